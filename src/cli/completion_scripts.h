// The scripts of `lethe completion`. Each asks `lethe completion candidates -- WORD…`, which answers with a line
// "word<tab>meaning" for each candidate, and with ":files" where a path may stand.
#pragma once

#include <string_view>
#include <utility>

namespace lethe {

// Readline replaces only what follows the last = or : of a word (COMP_WORDBREAKS), so the script cuts off the rest.
inline constexpr std::string_view kBashCompletion = R"script(# bash completion of lethe: source <(lethe completion bash)
_lethe() {
  local line=${COMP_LINE:0:COMP_POINT} current='' kept='' files='' word meaning mixed=''
  local -a words=()
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=${words[${#words[@]} - 1]}
  [[ $COMP_WORDBREAKS == *=* && $current == *[=:]* ]] && kept=${current%"${current##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r word meaning; do
    if [[ $word == :files ]]; then
      files=yes
    else
      COMPREPLY+=("${word#"$kept"}")
      [[ $word == *= ]] && compopt -o nospace
    fi
  done < <("${words[0]/#\~/$HOME}" completion candidates -- "${words[@]:1}" 2> /dev/null)
  if [[ -n $files ]]; then
    # As file names bash would quote the = of keys too.
    [[ ${#COMPREPLY[@]} -gt 0 ]] && mixed=yes || compopt -o filenames
    while IFS= read -r word; do
      [[ -n $mixed ]] && printf -v word '%q' "$word"
      COMPREPLY+=("$word")
    done < <(compgen -f -- "${current#"$kept"}")
  fi
}
complete -F _lethe lethe
)script";

inline constexpr std::string_view kZshCompletion = R"script(#compdef lethe
# zsh completion of lethe: lethe completion zsh > "${fpath[1]}/_lethe"
_lethe() {
  local line word about files=''
  local -a closed open
  for line in "${(@f)$("${words[1]/#\~/$HOME}" completion candidates -- "${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    word=${line%%$'\t'*} about=${line#*$'\t'}
    case $word in
      '') ;;
      :files) files=yes ;;
      *=) open+=("${word//:/\\:}:$about") ;;
      *) closed+=("${word//:/\\:}:$about") ;;
    esac
  done
  (( $#closed )) && _describe -V word closed
  (( $#open )) && _describe -V key open -S ''
  if [[ -n $files ]]; then
    compset -P '*='
    _files
  fi
  return 0
}
if [[ ${funcstack[1]} == _lethe ]]; then _lethe "$@"; else compdef _lethe lethe; fi
)script";

inline constexpr std::string_view kFishCompletion = R"script(# fish completion of lethe: lethe completion fish | source
function __lethe_candidates
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l files
  for line in ($words[1] completion candidates -- $words[2..-1] "$current" 2> /dev/null)
    if string match -q ':files*' -- $line
      set files yes
    else
      echo $line
    end
  end
  if set -q files[1]
    set -l key (string match -r '^[^=]*=' -- "$current")
    for path in (__fish_complete_path (string replace -r '^[^=]*=' '' -- "$current"))
      echo "$key$path"
    end
  end
end
complete -c lethe -f -a '(__lethe_candidates)'
)script";

inline constexpr std::pair<std::string_view, std::string_view> kCompletionScripts[] = {
    {"bash", kBashCompletion}, {"zsh", kZshCompletion}, {"fish", kFishCompletion}};

}  // namespace lethe
