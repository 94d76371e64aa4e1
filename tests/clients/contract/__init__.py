"""Every operation that concerns Kubernetes, with every parameter, through the SDKs: the contract of the catalog."""
