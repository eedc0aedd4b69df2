"""What the one file carries, as a bill of materials: CycloneDX 1.6 in JSON.

The same bytes for the same input. It knows nothing of wheels on disk.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

from zipapp_build.licences import Licensed

_NAMESPACE = uuid.UUID("5f6f9f5e-5a43-5c0e-9f0b-6a1f6f7b2c11")  # of our serial numbers


def bill_of_materials(
    version: str, commit: str, timestamp: str, carried: Sequence[Licensed]
) -> bytes:
    """Return the document.

    Args:
        version: of tmuxpulse.
        commit: that was built.
        timestamp: RFC 3339, UTC; that of the commit.
        carried: every release that is in the file.
    """
    ours = f"pkg:pypi/tmuxpulse@{version}"
    components = [_component(one) for one in carried]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": timestamp,
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "tmuxpulse",
                "version": version,
                "purl": ours,
                "licenses": [{"license": {"id": "MIT"}}],
                "properties": [{"name": "tmuxpulse:commit", "value": commit}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": ours, "dependsOn": sorted(one["bom-ref"] for one in components)},
            *({"ref": one["bom-ref"]} for one in components),
        ],
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))
    document["serialNumber"] = serial.urn
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _component(one: Licensed) -> dict[str, Any]:
    name = re.sub(r"[-_.]+", "-", one.project).lower()
    url = f"pkg:pypi/{name}@{one.version}"
    known: dict[str, Any] = (
        {"expression": one.licence} if one.is_spdx else {"license": {"name": one.licence}}
    )
    component = {
        "type": "library",
        "bom-ref": url,
        "name": one.project,
        "version": one.version,
        "purl": url,
    }
    return {**component, "licenses": [known]} if one.licence else component
