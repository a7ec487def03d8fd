"""Exit with 0 if the service of this container is ready, else with 1; FARMANER_PORT is its port."""

import os
import sys
import urllib.error
import urllib.request

url = f"http://127.0.0.1:{os.environ.get('FARMANER_PORT', '8000')}/readyz"
try:
    with urllib.request.urlopen(url, timeout=5) as answer:
        sys.exit(answer.status != 200)
except (urllib.error.URLError, OSError) as error:
    print(f"{url}: {error}", file=sys.stderr)
    sys.exit(1)
