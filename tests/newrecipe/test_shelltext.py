"""Commands of documents as words: what continues a line, what stands before a program, what only a run knows."""

from __future__ import annotations

import pytest

from kit.newrecipe.shelltext import shell_commands, split_word


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$ python3 -m ais_bench --model n.om \\\n>     --input b", ["python3", "-m", "ais_bench", "--model", "n.om"]),
        ("python3.7 ais_infer.py --model n.om \n     --input b\n\n", ["python3.7", "ais_infer.py", "--model", "n.om"]),
        ("atc --model=n.onnx \n   --input b\n参数说明：\n   --output：dir", ["atc", "--model=n.onnx"]),
        ("sudo DEVICE=1 ./msame.${arch} --input b", ["./msame.${arch}"]),
    ],
)
def test_a_command_goes_on_over_lines_of_options(text: str, wanted: list[str]) -> None:
    assert next(iter(shell_commands(text))) == [*wanted, "--input", "b"]


def test_an_answer_of_the_shell_is_an_unknown_name_within_a_path() -> None:
    text = 'root=out\npath="${root}/`ls out | tail -1`"  # newest\nall=`ls`\npython3 p.py $path $all $(date)/x'
    assert list(shell_commands(text)) == [["python3", "p.py", "out/*", "$all", "*/x"]]


def test_options_are_given_with_and_without_dashes() -> None:
    assert [split_word(word) for word in ("--res=a=b", "res_dir=./r", "./r=1", "-o")] == [
        ("--res", "a=b"), ("res_dir", "./r"), ("", "./r=1"), ("", "-o"),
    ]  # fmt: skip
