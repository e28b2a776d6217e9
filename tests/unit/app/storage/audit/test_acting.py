"""Who acts is known in the task, in threads that work is handed to, and nowhere else."""

import asyncio
import contextvars
import os
import pwd

from app.storage.audit.acting import Actor, act_as, acting, acting_as, as_system_user, as_worker, because_of


async def test_it_goes_with_work_that_is_handed_to_a_thread_and_to_no_other_task() -> None:
    async def one(who: str) -> str:
        act_as(Actor(who))
        await asyncio.sleep(0)
        return await asyncio.to_thread(lambda: acting().who)

    assert list(await asyncio.gather(one("key:1"), one("key:2"))) == ["key:1", "key:2"]
    assert acting() == Actor("service")


def test_a_block_ends_as_it_began() -> None:
    def inside() -> list[Actor]:
        act_as(Actor("", "192.0.2.7", "req_1"))
        with acting_as("shadow"), because_of(shadow="s"), because_of(job="j"):
            within = acting()
        return [within, acting()]

    assert contextvars.copy_context().run(inside) == [
        Actor("shadow", None, "req_1", {"shadow": "s", "job": "j"}), Actor("", "192.0.2.7", "req_1"),
    ]  # fmt: skip


def test_people_at_a_terminal_and_workers_have_names() -> None:
    def names() -> list[str]:
        as_system_user()
        typed = acting().who
        as_worker("machine:1:" + "x" * 300)
        return [typed, acting().who]

    typed, worker = contextvars.copy_context().run(names)
    assert typed == f"user:{pwd.getpwuid(os.getuid()).pw_name}"
    assert worker.startswith("worker:machine:1:xx") and len(worker) == 128
