"""How much of a connection and of a process's time a client may take before a route has seen anything of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HttpLimits:
    """What `serve` goes by. Those without a setting suit every network that people have."""

    keep_alive_seconds: float = 75.0  # an idle connection, fresh or used
    max_connections: int = 1000  # at once; it must lie below the limit of file descriptors
    head_bytes: int = 32 * 1024  # request line and headers; trailers and chunk extensions have as much again
    head_lines: int = 100
    head_seconds: float = 10.0  # from the first byte of a request to the end of its head
    body_seconds: float = 20.0  # a body may rest so long, if it has not been slow before
    body_rate: int = 1024  # bytes a second: what is slower uses up the seconds above (Apache's default is 500)
    whole_seconds: float = 300.0  # afterwards a body must have had `whole_rate` on average
    whole_rate: int = 32 * 1024  # 64 MiB in 40 minutes
    write_seconds: float = 60.0  # an answer of which nothing more is read
    linger_seconds: float = 5.0  # what still comes after a refusal is passed over, so that its answer is read

    @property
    def look_seconds(self) -> float:
        """How often connections are looked at."""
        times = self.keep_alive_seconds, self.head_seconds, self.body_seconds, self.write_seconds, self.linger_seconds
        return min(1.0, min(times) / 4)
