"""`imgplay generate`, `retry` and `wait`: what they print, how they end, and what an interrupt leaves."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from imgplay_widget.testing import png
from tests.command.conftest import Command, Ended
from tests.servers.job_server import JobServer
from tests.servers.openai_server import HANG, OpenAIServer

SMALL = ("-p", "width=256", "-p", "height=256")
JOB = ("generate", "a fox", "-m", "jobs:queue")
CALL = ("generate", "a fox", "-m", "jobs:image")


def interrupted(command: Command, process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> Ended:
    process.send_signal(number)
    return command.ended(process)


def test_the_paths_of_the_saved_images_are_all_that_is_printed(command: Command) -> None:
    arguments = ("-m", "demo:instant", "-n", "2", "--seed", "7", "-o", "foxes")
    ended = command("generate", "a red fox", *arguments, *SMALL)
    paths = [Path(line) for line in ended.out.splitlines()]
    assert (ended.code, ended.err) == (0, "")
    assert [path.name for path in paths] == ["00-7-a-red-fox.png", "01-8-a-red-fox.png"]
    assert all((command.folder / path).read_bytes().startswith(b"\x89PNG") for path in paths)


def test_without_a_folder_the_paths_are_those_of_the_history(command: Command) -> None:
    ended = command("generate", "-", "-m", "demo:instant", *SMALL, given="a fox – im Schnee\n")
    path = Path(ended.out.strip())
    assert path.is_file()
    assert path.is_relative_to(f"{command.store}.assets")
    found = command("search", "schnee", "--json").json["batches"]
    assert [batch["prompt"] for batch in found] == ["a fox – im Schnee"]


def test_values_get_the_types_of_their_parameters(command: Command) -> None:
    given = ("-p", "grain=no", "-p", "vivid=0.5", "-p", "style=soft", "-p", "negative_prompt=")
    batch = command("generate", "a fox", "-m", "demo:instant", *given, *SMALL, "--json").json["batches"][0]
    assert batch["config"] == {
        "width": 256,
        "height": 256,
        "grain": False,
        "vivid": 0.5,
        "style": "soft",
        "negative_prompt": "",
        "n": 1,
    }
    image = batch["generations"][0]
    assert (image["status"], image["width"], image["error"]) == ("success", 256, None)
    assert Path(image["path"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("-m", "demo:instant", "-p", "wdith=256"), "unknown_parameter", "width"),
        (("-m", "demo:instant", "-p", "width=wide"), "invalid_request", "256 to 2048"),
        (("-m", "demo:instant", "-p", "n=3"), "unknown_parameter", "'n'"),
        (("-m", "demo:instnat"), "not_found", "demo:instant"),
        (("-m", "openai:gpt-image-2"), "missing_key", "imgplay keys set openai"),
        (("-m", "demo:instant", "--reference", "gone.png"), "invalid_request", "gone.png"),
    ],
)
def test_a_refusal_names_the_next_step_and_stores_nothing(
    command: Command, arguments: tuple[str, ...], code: str, words: str
) -> None:
    ended = command("generate", "a fox", *arguments, "--json")
    assert ended.code == 3
    assert set(ended.json) == {"code", "message", "nextStep"}
    assert ended.json["code"] == code
    assert words in ended.json["message"] + ended.json["nextStep"]
    assert command("search", "--json").json == {"batches": []}


def test_a_budget_refuses_an_unknown_price_in_the_words_of_the_command(command: Command) -> None:
    arguments = ("-m", "minimax:image-01", "--budget", "5")
    ended = command("generate", "a fox", *arguments, MINIMAX_API_KEY="sk-canary")
    assert (ended.code, ended.out) == (3, "")
    assert "--confirm" in ended.err
    assert "sk-canary" not in ended.err


def test_a_failure_is_told_with_its_batch(command: Command) -> None:
    arguments = ("-m", "demo:broken", "-p", "failure=billing")
    ended = command("generate", "a fox", *arguments, "--json")
    assert ended.code == 4
    assert ended.json["code"] == ended.json["batches"][0]["generations"][0]["error"]["code"] == "billing"
    said = command("generate", "a fox", *arguments)
    assert (said.code, said.out) == (4, "")
    assert said.err.startswith("imgplay: ")


def test_images_that_came_are_printed_beside_those_that_failed(command: Command) -> None:
    ended = command("generate", "a fox", "-m", "demo:broken", "-p", "failure=fewer", "-n", "3")
    assert ended.code == 5
    assert ended.out.count("\n") + ended.err.count("imgplay: image ") == 3
    assert ended.out
    assert ended.err


def test_a_reference_is_a_path(command: Command, jobs: JobServer) -> None:
    (command.folder / "in.png").write_bytes(png())
    ended = command(
        "generate", "a fox", "-m", "demo:slow", "-p", "seconds=0", *SMALL, "--reference", "in.png"
    )
    assert ended.code == 0, ended.err


def test_images_that_cannot_be_saved_are_still_in_the_history(command: Command, jobs: JobServer) -> None:
    hold = jobs.hold("answer")
    process = command.start(*CALL, "-o", "foxes", "--json")
    hold.wait_reached()
    # The folder is refused at the start; this is a file that comes later.
    (command.folder / "foxes").write_text("")
    hold.open()
    ended = command.ended(process)
    assert ended.code == 4
    assert {"code", "message", "nextStep", "batches"} == set(ended.json)
    assert "imgplay wait" in ended.json["nextStep"]
    assert Path(ended.json["batches"][0]["generations"][0]["path"]).is_file()


# ------------------------------------------------------------------ interrupts


def test_an_interrupt_leaves_a_job_that_wait_finishes(command: Command, jobs: JobServer) -> None:
    jobs.working = True
    process = command.start(*JOB)
    jobs.until(lambda: bool(jobs.polls))
    ended = interrupted(command, process)
    assert (ended.code, ended.out) == (130, "")
    said = ended.err.splitlines()
    assert said[0] == "Stopped waiting."
    assert said[1].startswith("1 image will still come.")
    assert "imgplay wait" in said[1]
    # Commands that read do not take the job up.
    asked = jobs.polls.total()
    assert command("search", "--json").json["batches"][0]["status"] == "processing"
    assert jobs.polls.total() == asked
    jobs.working = False
    done = command("wait", "-o", "foxes")
    assert done.code == 0, done.err
    assert (command.folder / done.out.strip()).is_file()
    assert (jobs.billed, len(jobs.submits), jobs.cancelled) == (1, 1, [])


def test_an_interrupt_waits_for_an_answer_that_would_be_lost(command: Command, jobs: JobServer) -> None:
    hold = jobs.hold("answer")
    process = command.start(*CALL)
    hold.wait_reached()
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    # The command says that it waits before the answer comes.
    said = process.stderr.readline() + process.stderr.readline()
    hold.open()
    ended = command.ended(process)
    assert b"Waiting for the answer to 1 call" in said
    assert ended.code == 130
    assert Path(ended.out.strip()).is_file()
    assert command("wait").err == "Nothing is unfinished.\n"


def test_calls_that_were_not_sent_are_left_to_others(command: Command, jobs: JobServer) -> None:
    hold = jobs.hold("answer")
    # Eight calls run at once.
    process = command.start(*CALL, "-n", "10", "--json")
    jobs.until(lambda: len(jobs.submits) == 8)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.readline()
    hold.open()
    ended = command.ended(process)
    assert ended.code == 130
    assert ended.json["code"] == "stopped"
    states = [one["status"] for one in ended.json["batches"][0]["generations"]]
    assert (states.count("success"), states.count("pending")) == (8, 2)
    assert len(jobs.submits) == 8
    done = command("wait")
    assert (done.code, done.out.count("\n")) == (0, 10)
    assert set(jobs.per_unit().values()) == {1}


@pytest.mark.parametrize("lines", [1, 2])
def test_a_second_interrupt_leaves_at_once(command: Command, jobs: JobServer, lines: int) -> None:
    hold = jobs.hold("answer")
    process = command.start(*CALL)
    hold.wait_reached()
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    # It may come while the command still says what it waits for.
    for _ in range(lines):
        process.stderr.readline()
    ended = interrupted(command, process)
    assert (ended.code, ended.out) == (130, "")
    assert "may bill it" in ended.err
    assert "will still come" not in ended.err
    hold.open()
    left = command("wait", "--json")
    assert (left.code, left.json["code"]) == (4, "uncertain")


def test_a_termination_ends_like_an_interrupt(command: Command, jobs: JobServer) -> None:
    jobs.working = True
    process = command.start(*JOB)
    jobs.until(lambda: bool(jobs.polls))
    ended = interrupted(command, process, signal.SIGTERM)
    assert ended.code == 128 + signal.SIGTERM
    assert "imgplay wait" in ended.err


def test_wait_leaves_work_whose_key_it_lacks_to_those_who_have_it(command: Command) -> None:
    with OpenAIServer([HANG]) as server:
        environ = {"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": server.base_url}
        process = command.start("generate", "a fox", "-m", "openai:gpt-image-2", **environ)
        assert server.wait_for(lambda requests: len(requests) == 1)
        process.kill()
        command.ended(process)
    ended = command("wait", "--json")
    assert (ended.code, ended.json["code"]) == (3, "missing_key")
    assert command("search", "--json").json["batches"][0]["status"] == "processing"
    known = command("wait", "--json", **environ)
    assert (known.code, known.json["code"]) == (4, "uncertain")


# ------------------------------------------------------------------ without waiting


def test_without_waiting_the_id_is_printed_when_the_provider_has_the_job(
    command: Command, jobs: JobServer
) -> None:
    jobs.working = True
    ended = command(*JOB, "--no-wait")
    assert ended.code == 0, ended.err
    assert len(jobs.submits) == 1
    jobs.working = False
    done = command("wait", ended.out.strip())
    assert (done.code, done.out.count("\n")) == (0, 1)
    assert len(jobs.submits) == 1


def test_without_waiting_an_answer_that_only_comes_here_is_waited_for(
    command: Command, jobs: JobServer
) -> None:
    ended = command(*CALL, "-n", "10", "--no-wait", "--json")
    assert {one["status"] for one in ended.json["batches"][0]["generations"]} == {"success"}


def test_a_retry_sends_what_failed_again(command: Command, jobs: JobServer) -> None:
    jobs.refuse(1)
    failed = command(*CALL, "--json")
    assert failed.code == 4
    done = command("retry", failed.json["batches"][0]["id"])
    assert done.code == 0, done.err
    assert Path(done.out.strip()).is_file()


def test_an_unknown_batch_is_refused(command: Command) -> None:
    assert command("wait", "no-such-batch").code == 3
