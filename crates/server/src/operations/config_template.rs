//! Create-, Update-, DeleteConfigTemplate and ListConfigTemplates: texts that people make configurations from.

mod content;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sternway_core::ports::{Kept, Stored};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{
    ConfigTemplate, ConfigTemplateId, ConfigTemplatePage, CreateConfigTemplate, ListConfigTemplates, Nothing,
};

use self::content::Format;
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::{Page, whole};

const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 255;

/// One template, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Template {
    id: i64,
    name: String,
    format: Format,
    description: String,
    content: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Kept for Template {
    const KIND: &'static str = "config-template";
}

/// The highest id given so far, so that none is given twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct LastId {
    last: i64,
}

impl Kept for LastId {
    const KIND: &'static str = "config-template-ids";
}

/// CreateConfigTemplate
pub(crate) async fn create(call: Arc<Call>) -> Result<CreateConfigTemplate, Failure> {
    let parameters = &call.parameters;
    let name = parameters
        .text("Name", LONGEST_NAME)?
        .ok_or_else(|| GatewayError::missing_parameter("Name", "a name for the template"))?;
    let format = Format::read(parameters)?.unwrap_or(Format::Custom);
    let content = parameters.get("Content")?.unwrap_or_default();
    format.check(content)?;
    let description = parameters.text("Description", LONGEST_DESCRIPTION)?.unwrap_or_default();
    check_name(&call, name, None).await?;
    let id = next_id(&call).await?;
    let template = Template {
        id,
        name: name.to_owned(),
        format,
        description: description.to_owned(),
        content: content.to_owned(),
        created_at: call.now(),
        updated_at: call.now(),
    };
    if !Stored::new(id.to_string(), "", template).put(call.records()).await? {
        return Err(taken(name).into());
    }
    Ok(CreateConfigTemplate { data: ConfigTemplateId { id } })
}

/// UpdateConfigTemplate: what is absent stays.
pub(crate) async fn update(call: Arc<Call>) -> Result<Nothing, Failure> {
    let parameters = &call.parameters;
    let id = id(&call)?;
    let name = parameters.text("Name", LONGEST_NAME)?;
    let format = Format::read(parameters)?;
    let content = parameters.get("Content")?;
    parameters.text("Description", LONGEST_DESCRIPTION)?;
    let description = parameters.get("Description")?;
    if let Some(name) = name {
        check_name(&call, name, Some(id)).await?;
    }
    loop {
        let mut stored = find(&call, id).await?;
        let template = &mut stored.value;
        template.format = format.unwrap_or(template.format);
        for (field, given) in
            [(&mut template.name, name), (&mut template.content, content), (&mut template.description, description)]
        {
            if let Some(given) = given {
                given.clone_into(field);
            }
        }
        template.format.check(&template.content)?;
        template.updated_at = call.now();
        if stored.put(call.records()).await? {
            return Ok(Nothing {});
        }
    }
}

/// DeleteConfigTemplate
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    find(&call, id(&call)?).await?.delete(call.records()).await?;
    Ok(Nothing {})
}

/// ListConfigTemplates
pub(crate) async fn list(call: Arc<Call>) -> Result<ListConfigTemplates, Failure> {
    let page = Page::read(&call.parameters)?.unwrap_or_default();
    let id = call.parameters.integer("Id", 1..=i64::MAX)?;
    let name = call.parameters.optional("Name")?;
    let mut all: Vec<Stored<Template>> = Stored::list(call.records(), None).await?;
    all.retain(|stored| id.is_none_or(|id| stored.value.id == id) && name.is_none_or(|name| stored.value.name == name));
    Ok(ListConfigTemplates {
        data: ConfigTemplatePage {
            current_page: whole(page.number),
            page_size: whole(page.size),
            total_size: whole(all.len()),
            result: page.of(all).into_iter().map(|stored| shown(stored.value)).collect(),
        },
    })
}

fn id(call: &Call) -> Result<i64, GatewayError> {
    call.parameters.required_integer("Id", 1..=i64::MAX)
}

async fn find(call: &Call, id: i64) -> Result<Stored<Template>, Failure> {
    let unknown = || {
        let message = format!("The configuration template {id} does not exist. List them with ListConfigTemplates.");
        BusinessError::new(404, "ConfigTemplate.NotFound", message)
    };
    Ok(Stored::get(call.records(), &id.to_string()).await?.ok_or_else(unknown)?)
}

/// Names are for people, who should not have to tell two of the same name apart.
async fn check_name(call: &Call, name: &str, own: Option<i64>) -> Result<(), Failure> {
    let all: Vec<Stored<Template>> = Stored::list(call.records(), None).await?;
    match all.iter().any(|stored| stored.value.name == name && Some(stored.value.id) != own) {
        true => Err(taken(name).into()),
        false => Ok(()),
    }
}

fn taken(name: &str) -> BusinessError {
    let message = format!(
        "A configuration template named {name} exists already. Change it with UpdateConfigTemplate, or take another name."
    );
    BusinessError::new(400, "ConfigTemplate.AlreadyExists", message)
}

async fn next_id(call: &Call) -> Result<i64, Failure> {
    loop {
        let stored = Stored::get(call.records(), "last").await?;
        let mut stored = stored.unwrap_or_else(|| Stored::new("last", "", LastId::default()));
        stored.value.last += 1;
        if stored.put(call.records()).await? {
            return Ok(stored.value.last);
        }
    }
}

fn shown(template: Template) -> ConfigTemplate {
    ConfigTemplate {
        content: template.content,
        description: template.description,
        format: template.format.code().to_owned(),
        gmt_create: template.created_at.as_millisecond(),
        gmt_modified: template.updated_at.as_millisecond(),
        id: template.id.to_string(),
        name: template.name,
    }
}
