"""See who runs when: a recorder for coroutines, told by the coroutines themselves.

How it works

1. An event loop drives a coroutine with ``send`` and ``throw`` and nothing else. So a
   recorder that stands at that door sees the whole task: the coroutine *runs* from the
   call of ``send`` to its return, and *waits* from there to the next call.
2. ``driver.Driven`` stands at the door. It passes everything on unchanged. It notes the
   time on both sides, and the innermost line of the learner's at which the coroutine
   was suspended (``cr_frame`` and ``cr_await``, as :mod:`inspect` documents them).
3. ``doors`` gives asyncio a task factory, so that every task that the recorded program
   starts is driven in this way. A context variable tells which recordings a task
   belongs to. asyncio copies it into each new task, so other tasks on the same loop (a
   notebook's own) are left alone, and recordings nest.
4. A task that could run while another one runs is *ready*. A future that is done tells
   its loop so with ``call_soon``, and ``call_at`` knows when a timer is due. ``doors``
   notes both while a recording runs.
5. The notes about a future are kept on the future, and tasks are held weakly. So a
   task that only the recorder knows ends as it would without a recorder.

Nothing here changes what the program does: order, results, exceptions and context
variables are those of plain asyncio.

The files, in the order in which they can be read: ``tracks`` and ``record`` (what is
recorded), ``driver``, ``doors``, ``output`` (what is printed), ``recording`` (all of it
together), ``learners`` (which lines are the learner's), and ``watchdog`` (it ends a
step that never gives control back: the one thing that a recording changes).
"""

from workshop.pictures.recorder.driver import Driven
from workshop.pictures.recorder.learners import hide, is_learners, learners_traceback
from workshop.pictures.recorder.recording import Recording
from workshop.pictures.recorder.tracks import Note, Outcome, Place, Step, Track
from workshop.pictures.recorder.watchdog import ControlNotGivenBack

__all__ = [
    "ControlNotGivenBack",
    "Driven",
    "Note",
    "Outcome",
    "Place",
    "Recording",
    "Step",
    "Track",
    "hide",
    "is_learners",
    "learners_traceback",
]
