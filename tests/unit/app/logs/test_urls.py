"""Where a server is reached, spelled as a URL."""

import pytest

from app.logs.urls import from_here, url_of


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("fe80::7", "http://[fe80::7]:80"),
        ("reader.example", "http://reader.example:80"),
    ],
)
def test_an_address_that_means_all_is_reached_on_this_machine(host: str, here: str) -> None:
    assert url_of(from_here(host), 80) == here
