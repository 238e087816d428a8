#!/bin/sh
# Say in one line why an interpreter will not do, and which one would: check-python.sh python3
# An interpreter is judged by running it: one that version managers only announce does not run.

ok() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }

complain() {
    for other in python3 python3.13 python3.12 python3.11 python3.10; do
        if [ "$other" != "$python" ] && ok "$other"; then
            hint=" Try: make PYTHON=$other"
            break
        fi
    done
    echo "error: $1${hint:-}" >&2
    exit 2
}

python=${1:-python3}
"$python" -c '' >/dev/null 2>&1 || complain "'$python' is not an interpreter that runs; Python 3.10 or newer is needed."
ok "$python" ||
    complain "'$python' is $("$python" -V 2>&1); Python 3.10 or newer is needed."
"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    complain "'$python' cannot make virtual environments; install its venv module (python3-venv on Debian)."
