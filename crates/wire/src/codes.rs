//! The numbers and words that EDAS uses for states and kinds.
//!
//! The models carry plain integers and strings, as the wire does; these types give them meaning. `from_code` is `None` for
//! what EDAS may yet invent.

/// Declares an enum of EDAS's integers with `code`, `from_code` and the list of all.
macro_rules! integer_codes {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant = $code,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// EDAS's number.
            pub const fn code(self) -> i32 {
                self as i32
            }

            /// The value of that number.
            pub const fn from_code(code: i32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

/// Declares an enum of EDAS's words with `code`, `from_code` and the list of all.
macro_rules! word_codes {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// EDAS's word.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The value of that word, in any case.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code().eq_ignore_ascii_case(code))
            }
        }
    };
}

integer_codes! {
    /// How far something is: the same set for change orders, pipelines, stages, instances and tasks.
    ///
    /// Terraform stops with an error at 7, 8 and 9. So 7 is never shown, and 8 and 9 only for orders whose client asked
    /// for several batches.
    Status {
        /// Not started.
        Ready = 0,
        Running = 1,
        Succeeded = 2,
        Failed = 3,
        /// Stopped by someone.
        Aborted = 6,
        /// Documented for change orders only.
        PartlySucceeded = 7,
        /// The next batch waits for a person.
        AwaitingConfirmation = 8,
        /// The next batch waits for its time.
        AwaitingInterval = 9,
        /// Failed by a fault of the system.
        SystemFailed = 10,
    }
}

impl Status {
    /// Whether nothing more will happen.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Aborted | Self::PartlySucceeded | Self::SystemFailed => true,
            Self::Ready | Self::Running | Self::AwaitingConfirmation | Self::AwaitingInterval => false,
        }
    }

    /// The state in a word or three, for messages.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "in progress",
            Self::Succeeded => "successful",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::PartlySucceeded => "partly successful",
            Self::AwaitingConfirmation => "waiting for confirmation",
            Self::AwaitingInterval => "waiting for the next batch",
            Self::SystemFailed => "failed by a system exception",
        }
    }

    /// The number as text, as TaskStatus has it.
    pub fn digits(self) -> String {
        self.code().to_string()
    }
}

integer_codes! {
    /// How a failed task can be tried again.
    RetryType {
        None = 0,
        Automatic = 1,
        Manual = 2,
    }
}

integer_codes! {
    /// How far the import of a cluster is.
    ClusterImportStatus {
        NotImported = 0,
        Imported = 1,
        Failed = 2,
        /// Terraform waits while it sees this.
        Importing = 3,
        Deleted = 4,
    }
}

integer_codes! {
    /// Whether a cluster answers.
    ClusterStatus {
        Normal = 1,
        Abnormal = 2,
        Offline = 3,
    }
}

integer_codes! {
    /// What kind of cluster it is.
    ClusterType {
        Docker = 0,
        Swarm = 1,
        Ecs = 2,
        /// Retired by EDAS.
        SelfManagedKubernetesFormer = 3,
        PandoraRegistered = 4,
        /// Managed or serverless Kubernetes: what Kubernetes applications have.
        Kubernetes = 5,
        /// As a filter of GetK8sCluster.
        SelfManagedKubernetes = 7,
    }
}

integer_codes! {
    /// The state of an instance in QueryApplicationStatus.
    InstanceState {
        AgentOff = 0,
        Stopped = 1,
        /// It runs and its health check fails.
        CheckFailed = 3,
        Running = 7,
    }
}

word_codes! {
    /// Who decides when the next batch begins, as answers have it (UpdateStrategy says `auto` and `manual`).
    BatchType {
        Automatic = "Automatic",
        Manual = "Manual",
    }
}

word_codes! {
    /// How a change was asked for.
    Source {
        Console = "console",
        Api = "pop",
    }
}

word_codes! {
    /// What an application is deployed from.
    PackageType {
        Image = "Image",
        FatJar = "FatJar",
        War = "War",
    }
}

word_codes! {
    /// An application's state in ListApplication.
    ApplicationState {
        Running = "RUNNING",
        Stopped = "STOPPED",
        Deploying = "DEPLOYING",
        Deleting = "DELETING",
    }
}

word_codes! {
    /// What a change order does: its CoTypeCode.
    ChangeOrderType {
        CreateApplication = "CoCreateApp",
        Deploy = "CoDeploy",
        /// A historical version is deployed; the spelling is EDAS's.
        DeployHistory = "CoDeployHistroy",
        Rollback = "CoRollback",
        ScaleIn = "CoScaleIn",
        ScaleOut = "CoScaleOut",
        Start = "CoStart",
        Stop = "CoStop",
        RestartApplication = "CoRestartApplication",
        RestartInstances = "CoRestartInstances",
        DeleteInstances = "CoDeleteInstances",
        ScaleInWithInstances = "CoScaleInAppWithInstances",
        DeleteApplication = "CoDeleteApp",
        BindSlb = "CoBindSlb",
        UnbindSlb = "CoUnbindSlb",
        /// Limits and requests change.
        RescaleVertically = "CoRescaleApplicationVertically",
        BindNas = "CoBindNas",
        UnbindNas = "CoUnbindNas",
        BatchStart = "CoBatchStartApplication",
        BatchStop = "CoBatchStopApplication",
    }
}

impl ChangeOrderType {
    /// The CoType that people read. EDAS documents only "Application Scale Out"; the others follow its pattern.
    pub const fn text(self) -> &'static str {
        match self {
            Self::CreateApplication => "Application Creation",
            Self::Deploy => "Application Deployment",
            Self::DeployHistory => "Application Deployment of a Historical Version",
            Self::Rollback => "Application Rollback",
            Self::ScaleIn => "Application Scale In",
            Self::ScaleOut => "Application Scale Out",
            Self::Start => "Application Start",
            Self::Stop => "Application Stop",
            Self::RestartApplication => "Application Restart",
            Self::RestartInstances => "Instance Restart",
            Self::DeleteInstances => "Instance Deletion",
            Self::ScaleInWithInstances => "Application Scale In by Instances",
            Self::DeleteApplication => "Application Deletion",
            Self::BindSlb => "SLB Binding",
            Self::UnbindSlb => "SLB Unbinding",
            Self::RescaleVertically => "Application Resource Change",
            Self::BindNas => "NAS Binding",
            Self::UnbindNas => "NAS Unbinding",
            Self::BatchStart => "Application Batch Start",
            Self::BatchStop => "Application Batch Stop",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_those_of_edas() {
        let codes: Vec<i32> = Status::ALL.iter().map(|status| status.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 6, 7, 8, 9, 10]);
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(*status));
        }
        assert_eq!(Status::from_code(11), None);
        assert_eq!(Status::SystemFailed.digits(), "10");
    }

    #[test]
    fn terminal_states_are_those_at_which_clients_stop() {
        let terminal: Vec<i32> =
            Status::ALL.iter().filter(|status| status.is_terminal()).map(|status| status.code()).collect();
        assert_eq!(terminal, [2, 3, 6, 7, 10]);
    }

    #[test]
    fn words_are_read_in_any_case() {
        assert_eq!(PackageType::from_code("fatjar"), Some(PackageType::FatJar));
        assert_eq!(PackageType::from_code("WAR"), Some(PackageType::War));
        assert_eq!(PackageType::from_code("zip"), None);
    }

    #[test]
    fn every_order_type_has_a_code_and_a_text_of_its_own() {
        let codes: HashSet<_> = ChangeOrderType::ALL.iter().map(|kind| kind.code()).collect();
        let texts: HashSet<_> = ChangeOrderType::ALL.iter().map(|kind| kind.text()).collect();
        assert_eq!((codes.len(), texts.len()), (20, 20));
        assert_eq!(ChangeOrderType::from_code("CoDeployHistroy"), Some(ChangeOrderType::DeployHistory));
        assert_eq!(ChangeOrderType::ScaleOut.text(), "Application Scale Out");
    }
}
