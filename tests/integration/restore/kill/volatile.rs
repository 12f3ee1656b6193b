//! What may differ between two restores of the same platform, each with the reason. What is not listed here is compared.

/// Kinds whose objects are not compared.
pub(super) const KINDS: [(&str, &str); 9] = [
    ("Event", "tells what happened, not what is wanted"),
    ("Lease", "who leads, and when that was said last"),
    (
        "EndpointSlice",
        "named at random, made by the cluster itself from the pods",
    ),
    ("Endpoints", "made by the cluster itself from the pods"),
    (
        "Pod",
        "named at random, made by the cluster itself from the Deployments and StatefulSets",
    ),
    (
        "Node",
        "of the testbed, and the same simulated machines under other names",
    ),
    ("ComponentStatus", "no object: an answer to a question"),
    ("PodMetrics", "a measurement"),
    (
        "IPAddress",
        "one for each Service, named by its address, which is drawn",
    ),
];

/// Fields that are taken away everywhere, as JSON pointers.
pub(super) const FIELDS: [(&str, &str); 12] = [
    ("/status", "what was observed, not what is wanted"),
    ("/metadata/uid", "given by the server at random"),
    ("/metadata/resourceVersion", "counts all writes of the whole cluster"),
    (
        "/metadata/generation",
        "counts the writes of the agent too, which retries on its own clock",
    ),
    ("/metadata/creationTimestamp", "a time"),
    (
        "/metadata/managedFields",
        "compared by the names of their managers alone: the rest holds times",
    ),
    ("/metadata/ownerReferences/0/uid", "given by the server at random"),
    (
        "/metadata/annotations/argocd.argoproj.io~1refresh",
        "taken away by the agent when it has looked",
    ),
    ("/spec/clusterIP", "drawn by the server"),
    ("/spec/clusterIPs", "drawn by the server"),
    ("/operation", "a sync that the agent is about to begin"),
    (
        "/metadata/annotations/deployment.kubernetes.io~1revision",
        "counts rollouts",
    ),
];

/// Single objects, `Kind namespace/name` with `*` for any namespace, and the part of them that is not compared.
pub(super) const PARTS: [(&str, &str, &str); 7] = [
    (
        "Secret argocd/argocd-redis",
        "/data",
        "a password that the agent makes up at its first start",
    ),
    ("Secret argocd/argocd-secret", "/data/admin.passwordMtime", "a time"),
    ("Secret argocd/argocd-secret", "/data/admin.password", "a salted digest"),
    (
        "ConfigMap */kube-root-ca.crt",
        "/data",
        "the authority of the one cluster and of the other",
    ),
    (
        "ConfigMap */extension-apiserver-authentication",
        "/data",
        "the authority of the one cluster and of the other",
    ),
    (
        "ConfigMap kube-system/gitops-dr",
        "/data/events",
        "the record of the run: what happened, and when",
    ),
    (
        "Service default/kubernetes",
        "/spec/ports",
        "the ports of the two API servers, which share one machine",
    ),
];
