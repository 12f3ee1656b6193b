# Packages of the distribution that the testbed needs; a part of `setup`, which reads it.
# shellcheck shell=bash

# name of the need | what shows that it is there | Debian package
readonly package_table='
rust     | cc                | gcc
rust     | libc headers      | libc6-dev
rust     | pkg-config        | pkg-config
rust     | make              | make
rust     | OpenSSL headers   | libssl-dev
redis    | redis-server      | redis-server
redis    | unshare           | util-linux
git-http | git               | git
git-http | git-http-backend  | git
git-http | nginx             | nginx
git-http | fcgiwrap          | fcgiwrap
git-ssh  | sshd              | openssh-server
git-ssh  | ssh               | openssh-client
git-ssh  | ssh-keygen        | openssh-client
strace   | strace            | strace
gnupg    | gpg               | gnupg
openbao  | python3 with venv | python3-venv
moto     | python3 for moto  | python3-venv
aws-cli  | python3 for aws   | python3-venv'

is_there() { # is_there WHAT
    case $1 in
    'libc headers') cc -E -include stdio.h -x c /dev/null &>/dev/null ;;
    'OpenSSL headers') pkg-config --exists openssl &>/dev/null ;;
    'python3 with venv') [[ -x $bin/bao ]] || type -P bao >/dev/null || python3 -c 'import ensurepip, venv' &>/dev/null ;;
    'python3 for aws') [[ -x $bin/aws ]] || python3 -c 'import ensurepip, venv' &>/dev/null ;;
    'python3 for moto') [[ -x $bin/moto_server ]] || python3 -c 'import ensurepip, venv' &>/dev/null ;;
    git-http-backend) [[ -x $(git --exec-path 2>/dev/null)/git-http-backend ]] ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

packages() { # packages NEED...: installs what is missing as root on Debian, else says what to install
    local need what package missing=() absent=()
    while IFS='|' read -r need what package; do
        need=${need// /} what=$(sed 's/^ *//; s/ *$//' <<<"$what") package=${package// /}
        [[ " $* " == *" $need "* ]] && ! is_there "$what" || continue
        absent+=("$what")
        [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
    done <<<"${package_table#$'\n'}"
    if ((${#missing[@]} == 0)); then
        fresh+=("packages")
        return
    fi
    if ! command -v apt-get >/dev/null; then
        fail packages "missing: ${absent[*]}" \
            "Please install them by your system's package manager; on Debian the packages are called" \
            "  ${missing[*]}" "and then run this again."
    elif ((EUID != 0)); then
        fail packages "missing: ${absent[*]}" "Please install them and run this again:" \
            "  sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    step packages "installing ${missing[*]}" "installed ${missing[*]}" apt_install "${missing[@]}"
}

# The packages bring services that Debian starts at once and at every boot. The testbed starts its own,
# on ports of its own: a web server or an SSH server that nobody asked for must not be left running.
apt_install() { # apt_install PACKAGE...
    local policy=/usr/sbin/policy-rc.d unit
    [[ ! -e $policy || -e $policy.before-gitops-dr ]] || mv "$policy" "$policy.before-gitops-dr"
    # shellcheck disable=SC2064 # The values of now are meant.
    trap "rm -f $policy; [[ ! -e $policy.before-gitops-dr ]] || mv $policy.before-gitops-dr $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 update
    apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@"
    command -v systemctl >/dev/null || return 0
    for unit in "$@"; do
        case $unit in
        openssh-server) systemctl disable ssh.service || true ;;
        fcgiwrap) systemctl disable fcgiwrap.service fcgiwrap.socket || true ;;
        nginx | redis-server) systemctl disable "$unit.service" || true ;;
        esac
    done
}
