#!/usr/bin/env bash
#
# What people do today to bring Argo CD and its apps back on an empty cluster: the five steps of most runbooks, as a script.
# The bench runs it beside `gitops-dr restore`, on a cluster of its own that is in the same state, with the same versions.
#
# It is at its best here: nobody has to be woken or to log in, the credentials are laid out as manifests, Argo CD is installed from a
# file on this disk, how many apps there will be is known, and the credentials come before Argo CD is started (a controller that starts
# without `server.secretkey` does nothing until it is restarted).
#
# usage: five-steps.sh CHECKOUT CREDENTIALS COUNT [REFRESH]
#
#   CHECKOUT     a checkout of the platform's repository
#   CREDENTIALS  a file with the Secrets that Argo CD needs
#   COUNT        how many Applications there are when all is back
#   REFRESH      ask Argo CD each so many seconds to look at every app again; without it nobody asks
#
# The cluster is the one of KUBECONFIG, which the bench has started for this run and throws away afterwards.
set -euo pipefail

if (($# < 3)); then
    echo 'usage: five-steps.sh CHECKOUT CREDENTIALS COUNT [REFRESH]' >&2
    exit 2
fi
checkout=$1 credentials=$2 count=$3 refresh=${4:-0}

# 1. The namespace, and in it what Argo CD reads Git with.
kubectl create namespace argocd
kubectl apply --server-side --filename "$credentials"

# 2. Argo CD. Its CRDs are too large for a client-side apply.
kubectl apply --server-side --force-conflicts --namespace argocd --filename "$checkout/bootstrap/argocd/install.yaml"

# 3. Until it runs.
for workload in deployment/argocd-redis deployment/argocd-repo-server deployment/argocd-applicationset-controller \
    statefulset/argocd-application-controller; do
    kubectl --namespace argocd rollout status "$workload" --timeout 10m
done

# 4. The project that a core install lacks, and the root. All else follows from that.
kubectl apply --server-side --filename "$checkout/bootstrap/project.yaml" --filename "$checkout/clusters/prod/root.yaml"

# 5. Until every app is there, Synced and Healthy: a look each two seconds.
asked=$SECONDS
while true; do
    ready=$(kubectl get applications --all-namespaces --no-headers \
        --output 'custom-columns=SYNC:.status.sync.status,HEALTH:.status.health.status' |
        grep -cE '^Synced +Healthy$' || true)
    ((ready < count)) || break
    if ((refresh > 0 && SECONDS - asked >= refresh)); then
        asked=$SECONDS
        kubectl --namespace argocd annotate applications --all --overwrite argocd.argoproj.io/refresh=normal >/dev/null
    fi
    sleep 2
done
echo "$ready apps are Synced and Healthy"
