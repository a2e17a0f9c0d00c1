"""The functions by which bash, zsh and fish keep the answer of `llmswitch status --short` while nothing has changed.

They look with builtins only: no program is started, and none forks, while every path that the answer rests on is there
or not, links to the same, belongs to the same user and was changed at the same time, and the variables that decide
about a backend are the same.
"""

from __future__ import annotations

# Variables that decide about the backend, or about where its settings are: those that begin so, and these.
BEGIN = (
    "ANTHROPIC_", "CLAUDE", "LLMSWITCH_", "AWS_", "GIT_", "XDG_", "GOOGLE_", "VERTEX_", "CLOUD_ML_", "AZURE_", "API_",
    "DISABLE_", "ENABLE_", "MAX_", "NODE_", "SSL_",
)  # fmt: skip
NAMES = (
    "HOME", "PATH", "NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY",
    "all_proxy", "LANG", "LC_ALL",
)  # fmt: skip

_BASH = r"""
# llmswitch_prompt puts what `llmswitch status --short` says into llmswitch_preset: see `llmswitch help prompts`.
function _llmswitch_stands {
    local f m i
    [[ . -ef $_llmswitch_here ]] || return 1
    for f in "${_llmswitch_gone[@]}"; do [[ ! -e $f && ! -L $f ]] || return 1; done
    for f in "${_llmswitch_plain[@]}"; do [[ ! -L $f ]] || return 1; done
    for f in "${_llmswitch_mine[@]}"; do [[ -O $f ]] || return 1; done
    for f in "${_llmswitch_others[@]}"; do [[ -e $f && ! -O $f ]] || return 1; done
    for f in "${_llmswitch_folder[@]}"; do [[ -d $f ]] || return 1; done
    for ((i = FIRST; i < FIRST + ${#_llmswitch_link[@]}; i++)); do
        f=${_llmswitch_link[i]}; [[ -L $f && $f -ef ${_llmswitch_real[i]} ]] || return 1
    done
    for ((i = FIRST; i < FIRST + ${#_llmswitch_file[@]}; i++)); do
        f=${_llmswitch_file[i]} m=${_llmswitch_time[i]}
        [[ -r $f && -e $m && ! $f -nt $m && ! $f -ot $m ]] || return 1
    done
}

function llmswitch_prompt {
    local ended=$? n now word rest mirrors
    now=$PWD
    for n in VARIABLES; do now+=$'\n'$n=${VALUE}; done
    if [[ $now == "$_llmswitch_now" ]] && _llmswitch_stands; then return $ended; fi
    _llmswitch_now= _llmswitch_here= llmswitch_preset=
    _llmswitch_gone=() _llmswitch_plain=() _llmswitch_mine=() _llmswitch_others=() _llmswitch_folder=()
    _llmswitch_link=() _llmswitch_real=() _llmswitch_file=() _llmswitch_time=()
    {
        IFS= read -r llmswitch_preset
        while IFS=' ' read -r word rest; do
            case $word in
                here) _llmswitch_now=$now _llmswitch_here=$rest ;;
                mirrors) mirrors=$rest ;;
                gone) _llmswitch_gone+=("$rest") ;;
                plain) _llmswitch_plain+=("$rest") ;;
                mine) _llmswitch_mine+=("$rest") ;;
                others) _llmswitch_others+=("$rest") ;;
                folder) _llmswitch_folder+=("$rest") ;;
                link) _llmswitch_link+=("$rest") ;;
                real) _llmswitch_real+=("$rest") ;;
                file) _llmswitch_time+=("$mirrors/${rest%% *}") _llmswitch_file+=("${rest#* }") ;;
            esac
        done
    } < <(llmswitch status --prompt 2>/dev/null)
    return $ended
}
"""

_FISH = r"""
# llmswitch_prompt prints what `llmswitch status --short` says: see `llmswitch help prompts`.
function _llmswitch_stands
    test . -ef "$_llmswitch_here"; or return 1
    for f in $_llmswitch_gone
        test -e $f -o -L $f; and return 1
    end
    for f in $_llmswitch_plain
        test -L $f; and return 1
    end
    for f in $_llmswitch_mine
        test -O $f; or return 1
    end
    for f in $_llmswitch_others
        test -e $f -a ! -O $f; or return 1
    end
    for f in $_llmswitch_folder
        test -d $f; or return 1
    end
    set -l i 0
    for f in $_llmswitch_link
        set i (math $i + 1)
        test -L $f -a $f -ef $_llmswitch_real[$i]; or return 1
    end
    set i 0
    for f in $_llmswitch_file
        set i (math $i + 1)
        set -l m $_llmswitch_time[$i]
        test -r $f -a -e $m -a ! $f -nt $m -a ! $f -ot $m; or return 1
    end
    return 0
end

function llmswitch_prompt
    set -l now $PWD
    set -l mirrors
    for n in (set -nx | string match -r 'VARIABLES')
        set -a now "$n=$$n"
    end
    if test "$now" != "$_llmswitch_now"; or not _llmswitch_stands
        set -g _llmswitch_now
        set -g _llmswitch_here
        for n in gone plain mine others folder link real file time
            set -g _llmswitch_$n
        end
        set -l lines (llmswitch status --prompt 2>/dev/null)
        set -g llmswitch_preset $lines[1]
        for line in $lines[2..-1]
            set -l w (string split -m 1 ' ' -- $line)
            switch $w[1]
                case here
                    set -g _llmswitch_now "$now"
                    set -g _llmswitch_here $w[2]
                case mirrors
                    set mirrors $w[2]
                case gone plain mine others folder link real
                    set -ga _llmswitch_$w[1] $w[2]
                case file
                    set w (string split -m 1 ' ' -- $w[2])
                    set -ga _llmswitch_time $mirrors/$w[1]
                    set -ga _llmswitch_file $w[2]
            end
        end
    end
    echo $llmswitch_preset
end
"""


def _filled(text: str, **parts: str) -> str:
    for name, part in parts.items():
        text = text.replace(name, part)
    return text


_BASH_NAMES = " ".join([*(f"${{!{name}@}}" for name in BEGIN), *NAMES])
_ZSH_NAMES = "|".join([*(f"{name}*" for name in BEGIN), *NAMES])
_FISH_NAMES = "|".join([*(f"{name}.*" for name in BEGIN), *(f"{name}$" for name in NAMES)])
BASH = _filled(_BASH, VARIABLES=_BASH_NAMES, VALUE="!n-", FIRST="0")
ZSH = _filled(_BASH, VARIABLES=f"${{(ko)parameters[(I)({_ZSH_NAMES})]}}", VALUE="(P)n-", FIRST="1")
FISH = _filled(_FISH, VARIABLES=f"^(?:{_FISH_NAMES})")
