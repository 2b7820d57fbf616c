"""The certificate of balance."""

from __future__ import annotations

import json
from typing import BinaryIO

from annotations.registry import Export, StudyRows, exports


@exports.register
class Certificate(Export):
    """Every guarantee of the design with its worst case."""

    name = "certificate"
    label = "Certificate of balance (JSON)"
    suffix = "certificate.json"
    media_type = "application/json"
    about = "Every guarantee of the design with its worst case, as it was before launch."

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write the certificate."""
        found = study.certificate(masked=masked)
        target.write(json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False).encode())
        return 1 if found else 0
