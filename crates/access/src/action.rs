//! What can be allowed: the actions that EDAS, RAM and STS publish, as far as something here asks for them.

/// Declares the actions with the names that policies call them by.
macro_rules! actions {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// What an operation does, in the words that policies use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names say what they are")]
        pub enum Action {
            $($variant),*
        }

        impl Action {
            /// All of them, those of one service together.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, such as `edas:ReadApplication`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),*
                }
            }
        }
    };
}

actions! {
    ReadNamespace = "edas:ReadNamespace",
    CreateNamespace = "edas:CreateNamespace",
    ManageNamespace = "edas:ManageNamespace",
    DeleteNamespace = "edas:DeleteNamespace",
    ReadCluster = "edas:ReadCluster",
    CreateCluster = "edas:CreateCluster",
    ManageCluster = "edas:ManageCluster",
    DeleteCluster = "edas:DeleteCluster",
    ReadApplication = "edas:ReadApplication",
    CreateApplication = "edas:CreateApplication",
    ManageApplication = "edas:ManageApplication",
    ConfigApplication = "edas:ConfigApplication",
    DeleteApplication = "edas:DeleteApplication",
    ManageAppLog = "edas:ManageAppLog",
    ReadService = "edas:ReadService",
    ManageService = "edas:ManageService",
    ListSubAccount = "edas:ListSubAccount",
    ListAuthority = "edas:ListAuthority",
    ListRole = "edas:ListRole",
    InsertRole = "edas:InsertRole",
    UpdateRole = "edas:UpdateRole",
    RemoveRole = "edas:DeleteRole",
    AuthorizeRole = "edas:AuthorizeRole",
    AuthorizeApplication = "edas:AuthorizeApplication",
    AuthorizeResourceGroup = "edas:AuthorizeResourceGroup",
    ManageSystem = "edas:ManageSystem",
    ManageOperation = "edas:ManageOperation",
    ReadOperationLog = "edas:ReadOperationLog",

    ListUsers = "ram:ListUsers",
    CreateUser = "ram:CreateUser",
    DeleteUser = "ram:DeleteUser",
    ListGroups = "ram:ListGroups",
    CreateGroup = "ram:CreateGroup",
    DeleteGroup = "ram:DeleteGroup",
    AddUserToGroup = "ram:AddUserToGroup",
    RemoveUserFromGroup = "ram:RemoveUserFromGroup",
    ListAccessKeys = "ram:ListAccessKeys",
    CreateAccessKey = "ram:CreateAccessKey",
    UpdateAccessKey = "ram:UpdateAccessKey",
    DeleteAccessKey = "ram:DeleteAccessKey",
    ListPolicies = "ram:ListPolicies",
    GetPolicy = "ram:GetPolicy",
    CreatePolicy = "ram:CreatePolicy",
    DeletePolicy = "ram:DeletePolicy",
    AttachPolicyToUser = "ram:AttachPolicyToUser",
    AttachPolicyToGroup = "ram:AttachPolicyToGroup",
    AttachPolicyToRole = "ram:AttachPolicyToRole",
    DetachPolicyFromUser = "ram:DetachPolicyFromUser",
    DetachPolicyFromGroup = "ram:DetachPolicyFromGroup",
    DetachPolicyFromRole = "ram:DetachPolicyFromRole",
    ListRoles = "ram:ListRoles",
    CreateRole = "ram:CreateRole",
    DeleteRole = "ram:DeleteRole",

    AssumeRole = "sts:AssumeRole",
    GetCallerIdentity = "sts:GetCallerIdentity",
}
