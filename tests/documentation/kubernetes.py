"""What manifests may say: the fields that the pages use, written down by hand from the definitions of their makers.

No package that is installed here brings the definition of a RayJob. A field that is not named here is refused, so that
a misspelt one is found; Kubernetes itself would drop it without a word.
"""

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
QUANTITY: Schema = {"type": "string", "pattern": r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"}
NAME: Schema = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}


def describe(fields: Schema, required: tuple[str, ...] = ()) -> Schema:
    """An object of these fields and no others."""
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def repeat(schema: Schema) -> Schema:
    """A list that is not empty."""
    return {"type": "array", "items": schema, "minItems": 1}


QUANTITIES = describe({"cpu": QUANTITY, "memory": QUANTITY, "nvidia.com/gpu": QUANTITY})
CONTAINER = describe(
    {
        "name": NAME,
        "image": TEXT,
        "command": repeat(TEXT),
        "args": repeat(TEXT),
        "env": repeat(describe({"name": TEXT, "value": TEXT}, ("name", "value"))),
        "resources": describe({"requests": QUANTITIES, "limits": QUANTITIES}),
        "securityContext": describe(
            {
                "allowPrivilegeEscalation": FLAG,
                "readOnlyRootFilesystem": FLAG,
                "capabilities": describe({"drop": repeat(TEXT)}),
            }
        ),
        "volumeMounts": repeat(describe({"name": NAME, "mountPath": TEXT, "readOnly": FLAG}, ("name", "mountPath"))),
    },
    ("name", "image", "resources"),
)
VOLUME = describe(
    {
        "name": NAME,
        "emptyDir": describe({}),
        "persistentVolumeClaim": describe({"claimName": NAME, "readOnly": FLAG}, ("claimName",)),
    },
    ("name",),
)
POD = describe(
    {
        "restartPolicy": {"enum": ["Never", "OnFailure"]},
        "automountServiceAccountToken": {"const": False},
        "securityContext": describe(
            {
                "runAsNonRoot": FLAG,
                "runAsUser": COUNT,
                "fsGroup": COUNT,
                "seccompProfile": describe({"type": {"enum": ["RuntimeDefault"]}}, ("type",)),
            }
        ),
        "containers": repeat(CONTAINER),
        "volumes": repeat(VOLUME),
    },
    ("containers", "automountServiceAccountToken"),
)
TEMPLATE = describe({"spec": POD}, ("spec",))
METADATA = describe({"name": NAME}, ("name",))
PARAMETERS: Schema = {"type": "object", "additionalProperties": TEXT}  # of `ray start`; all of them text


def name_kind(version: str, kind: str, spec: Schema) -> Schema:
    """A whole manifest."""
    fields = {"apiVersion": {"const": version}, "kind": {"const": kind}, "metadata": METADATA, "spec": spec}
    return describe(fields, tuple(fields))


JOB = name_kind(
    "batch/v1",
    "Job",
    describe(
        {
            "completions": COUNT,
            "parallelism": COUNT,
            "completionMode": {"enum": ["Indexed", "NonIndexed"]},
            "backoffLimit": COUNT,
            "template": TEMPLATE,
        },
        ("template",),
    ),
)
WORKERS = describe(
    {
        "groupName": NAME,
        "replicas": COUNT,
        "minReplicas": COUNT,
        "maxReplicas": COUNT,
        "rayStartParams": PARAMETERS,
        "template": TEMPLATE,
    },
    ("groupName", "rayStartParams", "template"),
)
RAYJOB = name_kind(
    "ray.io/v1",
    "RayJob",
    describe(
        {
            "entrypoint": TEXT,
            "shutdownAfterJobFinishes": FLAG,
            "ttlSecondsAfterFinished": COUNT,
            "activeDeadlineSeconds": COUNT,
            "rayClusterSpec": describe(
                {
                    "rayVersion": TEXT,
                    "headGroupSpec": describe(
                        {"rayStartParams": PARAMETERS, "template": TEMPLATE}, ("rayStartParams", "template")
                    ),
                    "workerGroupSpecs": repeat(WORKERS),
                },
                ("headGroupSpec",),
            ),
        },
        ("entrypoint", "rayClusterSpec"),
    ),
)
KINDS = {"Job": JOB, "RayJob": RAYJOB}
