#!/bin/sh
# Every relative link of the pages leads to an existing file, and its #anchor, if any, to a heading of that
# page; and a page that is not tested has no block that needs a test.
#     links.sh ROOT TESTED_PAGE...
set -eu
cd "$1"
shift
tested=" $* "
dead=0

anchors() { # as GitHub and lowdown make them: lower case, spaces become dashes, punctuation is dropped
  sed -n 's/^#\{1,6\} *//p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

for page in README.md $(find docs -name '*.md'); do
  case $tested in
  *" $page "*) ;;
  *)
    if grep -nE '^ *```(.+)$' "$page" | grep -vE '```(text|yaml|json)$'; then
      echo "$page: is not among the pages whose blocks are tested"
      dead=1
    fi
    ;;
  esac
  for link in $(awk '/^```/ {inside = !inside} !inside' "$page" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//'); do
    case $link in
    http://* | https://* | mailto:*) continue ;;
    esac
    file=${link%%#*} anchor=${link#"${link%%#*}"}
    target=$page
    [ -z "$file" ] || target=$(dirname "$page")/$file
    if [ ! -e "$target" ]; then
      echo "$page: no such file: $link"
      dead=1
    elif [ -n "$anchor" ] && ! anchors "$target" | grep -qx -e "${anchor#\#}"; then
      echo "$page: no such heading: $link"
      dead=1
    fi
  done
done
exit $dead
