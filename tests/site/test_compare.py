"""The comparison of the edition's outputs with a machine's."""

import pytest

from workshop.site.compare import DIFFERS, VARIES, difference


def printed(text: str) -> list[dict[str, str]]:
    return [{"output_type": "stream", "text": text}]


@pytest.mark.parametrize(
    ("browser", "machine"),
    [
        ("2.26 s in all, 3 ms of it running", "2.25 s in all, 0.4 ms of it running"),
        ("<Task 0x7fee01>", "<Task 0x10b2ff>"),
        ("ws://127.0.0.1:49152/", "ws://127.0.0.1:33017/"),
        ("Task-7 is done", "Task-31 is done"),
        ("sessionid=ut51x4en", "sessionid=147wlu46"),
        ("one   two\n", "one two"),
        (
            f"  | task: <Task pending name='Task-7' {40 * 'x'}> wa… 51 more",
            f"  | task: <Task pending name='Task-131' {40 * 'x'}> … 53 more",
        ),
        ("main ░░███── returned", "main █── returned"),
        (
            "<ipython-input-6-69793724cd8d>:2: done",
            "/home/ann/ipykernel_7/25791571.py:2: done",
        ),
        ('File "/course/notebooks/a.py"', 'File "/home/ann/ws/notebooks/a.py"'),
        ("    get()\n    ~~~^^\n", "    get()\n    ^^^^^\n"),
        (
            "> 75  while True: ◀ still here\n  76    n += 1\nit is at line 75.",
            "  75  while True:\n> 76    n += 1 ◀ still here\nit is at line 76.",
        ),
    ],
)
def test_two_runs_of_one_truth_are_the_same(browser: str, machine: str) -> None:
    assert difference("01-03", printed(browser), printed(machine)) is None


@pytest.mark.parametrize(
    ("browser", "machine"),
    [
        ("8 ticks", "0 ticks"),  # a sleep that lets others run
        ("four threads: 0.8 s", "four threads: 0.2 s"),
        ("one\ntwo", "two\none"),
        ("done", ""),
        ("took 0.2 s", "took"),
        ("> 75 sleep()\n 76 done", " 75 sleep()\n> 76 done"),
        (f"{50 * 'x'} one… 51 more", f"{50 * 'x'} two… 51 more"),
    ],
)
def test_a_lie_is_found(browser: str, machine: str) -> None:
    found = difference("01-03", printed(browser), printed(machine))
    assert found is not None
    assert browser.split()[0] in str(found)


def test_a_difference_of_times_is_told_from_one_of_words() -> None:
    machine = printed("in threads: 0.2 s")
    slower = difference("01-85", printed("in threads: 0.8 s"), machine)
    assert slower is not None and slower.only_of_times
    other = difference("01-85", printed("in tasks: 0.8 s"), machine)
    assert other is not None and not other.only_of_times


def test_of_a_cell_whose_figures_vary_only_the_words_count() -> None:
    fast = printed("a switch takes 190 ns")
    slow = printed("a switch takes 2,300 ns")
    assert difference("02-40", fast, slow, tags=[VARIES]) is None
    none = printed("0 ticks")
    assert difference("01-18", none, printed("8 ticks"), tags=[VARIES]) is not None
    other = printed("a call takes 190 ns")
    assert difference("02-40", other, slow, tags=[VARIES]) is not None


def test_printed_and_logged_lines_have_no_order_between_them() -> None:
    logged = {"output_type": "stream", "name": "stderr", "text": "refused\n"}
    first = {"output_type": "stream", "name": "stdout", "text": "one\n"}
    second = {"output_type": "stream", "name": "stdout", "text": "two\n"}
    apart = {"output_type": "stream", "name": "stdout", "text": "one\ntwo\n"}
    assert difference("04-27", [first, logged, second], [logged, apart]) is None
    assert difference("04-27", [second, logged, first], [logged, apart]) is not None


def test_an_error_is_an_output_like_others() -> None:
    error = [{"output_type": "error", "ename": "OSError", "evalue": "no sockets"}]
    assert difference("03-01", error, printed("pong!")) is not None


def test_a_cell_about_this_python_must_say_something() -> None:
    ours = printed("LOAD_FAST_BORROW")
    theirs = printed("LOAD_FAST")
    assert difference("02-18", ours, theirs, tags=[DIFFERS]) is None
    assert difference("02-18", [], theirs, tags=[DIFFERS]) is not None
