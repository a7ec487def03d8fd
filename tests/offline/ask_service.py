"""Start `farmaner serve`, read its page, have a text annotated, and end it; prints the answer."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys

TEXT = "Niega alergia a penicilina."
COMMAND = [sys.executable, "-m", "farmaner", "serve", "--port", "0"]


def ask(port: int, method: str, path: str, body: object = None) -> str:
    """Return the text of an answer that has to be a good one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    answer = response.read().decode("utf-8")
    assert response.status == 200, (path, response.status, answer)
    connection.close()
    return answer


def main() -> None:
    """Ask, and print the answer to the text."""
    with subprocess.Popen(COMMAND, stderr=subprocess.PIPE, encoding="utf-8") as service:
        log = ""
        while not (found := re.search(r"listening at http://127\.0\.0\.1:(\d+)", log)):
            line = service.stderr.readline() if service.stderr else ""
            if not line:
                sys.exit(f"the service did not start: {log}")
            log += line
        port = int(found[1])
        page = ask(port, "GET", "/")
        for place in set(re.findall(r'(?:src|href)="([^"#]+)"', page)):
            ask(port, "GET", place if place.startswith("/") else f"/{place}")
        ask(port, "GET", "/docs")
        print(ask(port, "POST", "/v1/annotate", {"text": TEXT}))
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=120)
        if service.returncode:
            sys.exit(f"the service ended with {service.returncode}")


if __name__ == "__main__":
    main()
