//! Which region a request means. Each SDK says it in another place, and Tea only by the host it calls.

use crate::query;
use crate::signature::SignedRequest;

/// The first of: parameter `RegionId`, header `x-acs-region-id`, header `RegionId`, the region in a host named like
/// EDAS's (`edas.cn-hangzhou.aliyuncs.com`). `None` leaves the choice to the server's default.
pub fn of_request(request: &SignedRequest<'_>) -> Option<String> {
    let parameter = query::pairs(request.raw_query.unwrap_or(""))
        .into_iter()
        .find_map(|(name, value)| (name == "RegionId").then_some(value));
    let header = |name| request.header(name).map(str::to_owned);
    [parameter, header("x-acs-region-id"), header("regionid")]
        .into_iter()
        .flatten()
        .find(|region| !region.is_empty())
        .or_else(|| request.header("host").and_then(of_host).map(str::to_owned))
}

fn of_host(host: &str) -> Option<&str> {
    let name = host.split(':').next()?;
    let (region, rest) = name.strip_prefix("edas.")?.split_once('.')?;
    (rest == "aliyuncs.com").then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(query: Option<&str>, headers: &[(&str, &str)]) -> Option<String> {
        of_request(&SignedRequest { method: "GET", raw_path: "/", raw_query: query, headers, body: &[] })
    }

    #[test]
    fn the_places_are_asked_in_order() {
        let all = [("host", "edas.host.aliyuncs.com"), ("RegionId", "header"), ("x-acs-region-id", "acs")];
        assert_eq!(region(Some("A=1&RegionId=query"), &all).unwrap(), "query");
        assert_eq!(region(Some("RegionId="), &all).unwrap(), "acs");
        assert_eq!(region(None, &all[..2]).unwrap(), "header");
        assert_eq!(region(None, &all[..1]).unwrap(), "host");
        assert_eq!(region(None, &[("host", "edas.aliyuncs.com")]), None);
        assert_eq!(region(None, &[("host", "127.0.0.1:8080")]), None);
        assert_eq!(region(None, &[("host", "edas.cn-hangzhou.aliyuncs.com:443")]).unwrap(), "cn-hangzhou");
    }
}
