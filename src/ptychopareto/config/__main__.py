"""Print the JSON schema of a study, or with the argument `page` the page of all its keys."""

import json
import sys

from ptychopareto.config import json_schema
from ptychopareto.config.reference import page

if sys.argv[1:] == ["page"]:
    print(page(json_schema()), end="")
elif not sys.argv[1:]:
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
else:
    sys.exit("python -m ptychopareto.config [page]: prints the schema, or the page of all keys")
