"""Print the JSON schema of a study."""

import json

from ptychopareto.config import json_schema

print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
