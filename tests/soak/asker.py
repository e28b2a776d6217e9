"""Sends pictures and holds each answer against the right one, on a new connection each time."""

import random
import time

import httpx

from tests.soak.people import Person, Seen, client, unread_in
from tests.soak.questions import Question
from tests.soak.server import Server


class Asker(Person):
    """Asks one question after another, in an order that the seed says."""

    def __init__(
        self, server: Server, seen: Seen, source: str, seed: str, questions: list[Question], pause: float
    ) -> None:
        """`pause` is how many seconds pass between an answer and the next question."""
        super().__init__(server, seen, source)
        self._random = random.Random(seed)
        self._questions = questions
        self._pause = pause

    def act(self) -> None:
        url, asked = self.server.url, time.monotonic()
        question = self._random.choice(self._questions)
        if not url:
            time.sleep(0.05)
            return
        try:
            with client(self.source) as connection:
                answer = connection.post(url + question.path, content=question.body, headers=question.headers)
        except httpx.TransportError as error:
            self.seen.unanswered.append((asked, time.monotonic(), f"{question.kind}: {type(error).__name__}"))
        else:
            self._look(question, answer, asked)
        self.stopped.wait(self._pause)

    def _look(self, question: Question, answer: httpx.Response, asked: float) -> None:
        if answer.status_code == 503:
            self.seen.refused += 1
            self.seen.later[question.kind] += 1
        elif answer.status_code != 200 or unread_in(answer):
            why = unread_in(answer) or f"{answer.status_code} {answer.text[:200]}"
            self.seen.unanswered.append((asked, time.monotonic(), f"{question.kind}: {why}"))
        elif wrong := question.wrong(answer.json()):
            self.seen.wrong.append(f"a wrong answer: {question.kind} {question.path}: {wrong}")
        else:
            self.seen.done[question.kind] += 1
            if question.is_timed:
                self.seen.seconds.append(time.monotonic() - asked)
