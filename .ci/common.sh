# What both scripts of this folder share. $root is the repository, $work a folder for everything they make.
set -euo pipefail

stage_name="preparation"
began=$SECONDS
stage_began=$SECONDS

end_stage() {
    [ "$stage_name" = preparation ] || echo "--- $((SECONDS - stage_began)) s"
}

# stage NAME: say that the one before has ended, and this one begins.
stage() {
    end_stage
    stage_name=$1
    stage_began=$SECONDS
    printf '\n=== %s (%d s since the start)\n' "$stage_name" $((SECONDS - began))
}

# copy NAME: a pristine tree of the last commit in $work/NAME.
copy() {
    mkdir "$work/$1"
    git -C "$root" archive HEAD | tar -x -C "$work/$1"
}

# environment NAME REQUIREMENT...: a fresh virtual environment in $work/NAME.
environment() {
    python3 -m venv "$work/$1"
    "$work/$1/bin/python" -m pip install -q "${@:2}"
}

# readme HEADING: the one command in the one code block under "## HEADING" of README.md.
readme() {
    awk -v heading="## $1" '
        /^## / { here = ($0 == heading) }
        here && /^```/ { inside = !inside; next }
        here && inside && NF { print; lines++ }
        END { exit lines != 1 }
    ' "$root/README.md" || { echo "README.md: want one command under '## $1'" >&2; return 1; }
}
