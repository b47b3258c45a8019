"""What others call the findings: entries of public taxonomies that rules refer to."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Taxonomy:
    """A public list.

    Attributes:
        name: as others cite it.
        organization: that keeps it.
        version: that identifiers are taken from; "" where they do not depend on it.
        uri: its home page.
        tag: begins the tags of its entries.
    """

    name: str
    organization: str
    uri: str
    tag: str
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Taxon:
    """One entry: `id` as the list has it, its title, and its own page."""

    taxonomy: Taxonomy
    id: str
    name: str
    uri: str

    @property
    def full_id(self) -> str:
        """With the name of the list, where it is no part of the identifier."""
        return self.id if self.id.startswith(self.taxonomy.name) else f"{self.taxonomy.name} {self.id}"

    @property
    def tag(self) -> str:
        """In lower case with slashes, as code scanning services write tags."""
        return f"{self.taxonomy.tag}/{self.id.lower()}"


ATLAS = Taxonomy(name="MITRE ATLAS", organization="MITRE", uri="https://atlas.mitre.org", tag="external/mitre-atlas")
OWASP_ML = Taxonomy(
    name="OWASP Machine Learning Security Top Ten",
    organization="OWASP",
    version="2023",
    uri="https://owasp.org/www-project-machine-learning-security-top-10",
    tag="external/owasp-ml",
)
CWE = Taxonomy(name="CWE", organization="MITRE", uri="https://cwe.mitre.org", tag="external/cwe")

BACKDOOR = (
    Taxon(
        taxonomy=ATLAS,
        id="AML.T0018",
        name="Manipulate AI Model",
        uri="https://atlas.mitre.org/techniques/AML.T0018",
    ),
    Taxon(
        taxonomy=ATLAS,
        id="AML.T0020",
        name="Poison Training Data",
        uri="https://atlas.mitre.org/techniques/AML.T0020",
    ),
    Taxon(
        taxonomy=OWASP_ML,
        id="ML10",
        name="Model Poisoning",
        uri="https://owasp.org/www-project-machine-learning-security-top-10",
    ),
    Taxon(
        taxonomy=CWE,
        id="CWE-506",
        name="Embedded Malicious Code",
        uri="https://cwe.mitre.org/data/definitions/506.html",
    ),
)
MADE_FILE = tuple(taxon for taxon in BACKDOOR if taxon.id in ("AML.T0018", "CWE-506"))  # no training is needed for it
