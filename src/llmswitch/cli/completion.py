"""Completion for bash, zsh and fish: the scripts that ask, and how an answer is given to each."""

from __future__ import annotations

import os
from functools import reduce

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from llmswitch.base.errors import LlmswitchError
from llmswitch.cli import prompt_shells
from llmswitch.cli.app import COMPLETION

FILE = CompletionItem(".", type="file")

# Not click's script: it quotes no value, and takes a word for several where bash does, at each : and =.
_BASH = r"""
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            plain) COMPREPLY+=("$value") ;;
            dir) compopt -o filenames -o plusdirs ;;
            file) compopt -o default ;;
        esac
    done <<< "$(env COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_REPLACED="$2" \
        %(complete_var)s=bash_complete %(prog_name)s 2>/dev/null)"
}
complete -F %(complete_func)s %(prog_name)s

function claude {
    llmswitch run -- "$@"
}
"""

_ZSH = r"""
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
%s
function claude {
    llmswitch run -- "$@"
}
"""

# What click's script gets wrong: words behind the cursor, variables it leaves, and --option= which it takes away.
_ZSH_MENDED = (
    ("${words[*]}", "${words[1,CURRENT]}"),
    ("    for type", "    local type key descr\n    compset -P '--*='\n    for type"),
    (" -U", ""),
)

# Not click's script: it cuts descriptions at a comma, and folders at a space. Behind --option= fish 3 completes a
# folder with the option and fish 4 without it; of the bare folder both make the same.
_FISH = r"""
function %(complete_func)s
    set -l line (commandline -cp | string collect)
    set -l word (commandline -ct)
    for found in (env COMP_WORDS="$line" %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
        switch $found
            case 'dir,*'
                set -l option (string match --regex -- '^--[^=]*=' $word)
                for folder in (__fish_complete_directories (string replace --regex -- '^--[^=]*=' '' $word) '')
                    string join '' -- "$option" $folder
                end
            case 'file,*'
                __fish_complete_path
            case '*'
                string replace plain, '' -- $found
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"

function claude
    llmswitch run -- $argv
end
"""


class _Line(ShellComplete):
    """Completion from the line up to the cursor, in COMP_WORDS; what goes wrong suggests nothing."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one at the cursor, and that one, which the added dot makes exist."""
        words = split_arg_string(os.environ["COMP_WORDS"] + ".")
        return words[1:-1], words[-1][:-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return click's suggestions, but those that would break the line-wise answer; files for Claude Code."""
        if args[:1] == ["run"] and "--" in args:
            return [FILE]
        try:
            found = super().get_completions(args, incomplete)
        except (click.ClickException, LlmswitchError, OSError):
            return []
        return [item for item in found if item.value.isprintable()]


class _Bash(_Line, BashComplete):
    source_template = _BASH

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Leave out what stands before the part of the word that bash replaces."""
        replaced = " ".join(split_arg_string(os.environ.get("COMP_REPLACED", "")))
        head = incomplete.removesuffix(replaced) if incomplete.endswith(replaced) else ""
        found = super().get_completions(args, incomplete)
        return [CompletionItem((_option(incomplete) + item.value).removeprefix(head), item.type) for item in found]


class _Zsh(_Line, ZshComplete):
    source_template = _ZSH % reduce(lambda text, pair: text.replace(*pair), _ZSH_MENDED, ZshComplete.source_template)


class _Fish(_Line, FishComplete):
    source_template = _FISH

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Put --option= in front of its values, since fish replaces the whole word."""
        found = super().get_completions(args, incomplete)
        return [CompletionItem(_option(incomplete) + item.value, item.type, item.help) for item in found]


def _option(word: str) -> str:
    return word[: word.find("=") + 1] if word.startswith("--") else ""


SHELLS = {shell.name: shell for shell in (_Bash, _Zsh, _Fish)}
for shell in SHELLS.values():
    add_completion_class(shell)


@click.command("shell-init")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def shell_init(ctx: click.Context, shell: str) -> None:
    """Print completion and a `claude` function for a shell's start file.

    \b
    ~/.bashrc                   eval "$(llmswitch shell-init bash)"
    ~/.zshrc                    eval "$(llmswitch shell-init zsh)"
    ~/.config/fish/config.fish  llmswitch shell-init fish | source

    `claude ARGUMENTS` then means `llmswitch run -- ARGUMENTS`; `command claude` is Claude Code itself.
    `llmswitch_prompt` is for your prompt: see `llmswitch help prompts`.
    """
    completion = SHELLS[shell](ctx.find_root().command, {}, "llmswitch", COMPLETION).source().strip()
    prompt = {"bash": prompt_shells.BASH, "zsh": prompt_shells.ZSH, "fish": prompt_shells.FISH}[shell]
    click.echo(f"{completion}\n{prompt.rstrip()}")
