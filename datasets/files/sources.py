"""Where downloaded data come from: every file with its address, size and checksum, its terms and its citation."""

from __future__ import annotations

from dataclasses import dataclass

_RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class File:
    """One file: its name inside the source's folder, its size in bytes, its SHA-256 and its address."""

    name: str
    size: int
    sha256: str
    url: str


@dataclass(frozen=True)
class Source:
    """A folder of files that are downloaded together."""

    name: str
    description: str
    needed_by: str
    origin: str
    licence: str
    citation: str
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def _table(url: str, text: str) -> tuple[File, ...]:
    """Files from lines of name, size and checksum, all below one address."""
    rows = [line.split() for line in text.strip().splitlines()]
    return tuple(File(name, int(size), sha256, f"{url}/{name}") for name, size, sha256 in rows)


_SACHS = f"{_RAW}/FenTechSolutions/CausalDiscoveryToolbox/4aa0d0df0d9cb252c2dbdd247b2a9c810e5dfeeb/cdt/data/resources"
_FMRI = f"{_RAW}/piomonti/carefl/3c7e2be0ad194e4dcbb0eea35c8fe1d7e88b1b8f/data/fmri"
_MNIST = f"{_RAW}/fgnt/mnist/68014a4df3a2820a5953f5c144aa731ce752e7de"
_DIGITS = {
    "origin": "fgnt/mnist, a mirror of the original files",
    "licence": "not stated for the mirror: download only",
    "citation": "LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to Document Recognition, Proceedings "
    "of the IEEE 86, 1998",
}

_SOURCES = (
    Source(
        name="sachs",
        description="7466 single cells by the expression of 11 phosphoproteins and phospholipids, flow cytometry, CSV",
        needed_by="sachs/real and the roots of dcm/sachs",
        origin="Causal Discovery Toolbox 0.6.0, cdt/data/resources, from the supplement of Sachs et al. (2005)",
        licence="not stated for the data: download only, not redistributed here",
        citation="Sachs, Perez, Pe'er, Lauffenburger, Nolan, Causal Protein-Signaling Networks Derived from "
        "Multiparameter Single-Cell Data, Science 308, 2005",
        files=_table(
            _SACHS,
            """
cyto_full_data.csv 427677 fc331dcd0bc1d8765986b88cd1d23dd5a3f52e4ffc299fdf96de9d522ddf01aa
""",
        ),
    ),
    Source(
        name="fmri",
        description="BOLD averages of 48 cortical regions, two runs of each of 14 patients under stimulation, text",
        needed_by="fmri/..., the stimulation experiment",
        origin="piomonti/carefl, data/fmri, from OpenNeuro ds002799",
        licence="none stated for the averages; the article that describes ds002799 is CC BY 4.0: download only",
        citation="Thompson et al., A data resource from concurrent intracranial stimulation and functional MRI of the "
        "human brain, Scientific Data 7, 2020; Khemakhem, Monti, Leech, Hyvärinen, Causal Autoregressive Flows, "
        "AISTATS 2021",
        files=_table(
            _FMRI,
            """
labels.txt 1522 1d5f3063701598933b32807d16207501e9b771cf4e4a2e91f3eb44da1948dd8e
""",
        )
        + _table(
            f"{_FMRI}/subject_data",
            """
sub-292run-01.txt 305054 549cf81eb0b5f52e5dd48df733fcbd8d4621a8a0181ee39d7f894ff1b3e0eba3
sub-292run-03.txt 305054 fd35bf38a58d794cd907bfe7e8f54440de8444fdadd13ddac0cb2db465ba4891
sub-294run-01.txt 278632 08473f9ef15dfd6ff373edc0ad19e816a26ee51450f67f6c547bf4242d244ecf
sub-294run-02.txt 278632 1ccbee9c8a2846a34217a29f8b4677aa3376385faa337cd1ba329091ece62f43
sub-302run-01.txt 278632 8b51f734d7784f30ddb9ce7d88bfc0caca7c832fefae7ac6c39c210a97ee68fe
sub-302run-02.txt 278632 b0724ff6f74dba092b5cd14e367ed074dc92517da3a736171d9cbd36e94714ca
sub-303run-01.txt 278632 e63d9fa7e1d34f0f6a8d10e538432a57b713803fbc957384f45e04fd437c99ca
sub-303run-04.txt 278632 6cb13a4ec3a324acca6d5ebae3c317795e9a8ad5a35b7b120de1c68a96688edb
sub-307run-01.txt 252210 ebed941e67af4ee351aa3e7e276b318ec62ee8e642b14b216f012422a300dc3a
sub-307run-02.txt 252210 6d228d2298b2430a884fc9fe43a6fa25c623d2cbc390f9c525abf9a8446ecf15
sub-316run-01.txt 240200 8bf0c9e8c1683ce58f1ba72a470150d6a91fe6d61a6d1fc84cdd9cfa9cc63902
sub-316run-02.txt 240200 4f2c6bb34e243bc51c6e0ea87bf390fa8662ea8fc093311770f40dfb8bf9c053
sub-320run-01.txt 265421 78c67e11e3023ffc448dbb5b4d121c4c05182cde9c7a9bf4641d85baf26efa69
sub-320run-02.txt 315863 30a09537b626cb49ce7ffbc29f23b563585b0286ab4158407157d6576a40a7b0
sub-352run-01.txt 265421 70041c904a80da02440c37a700c785289e8a78c9896934792adc2746a8f60c47
sub-352run-02.txt 265421 c530d94a3b49499665759da2ddbe71ae925bbe4ffe50eb12045143f1bedc1eb5
sub-357run-01.txt 265421 539a8b2c6ed1045d6639ec085706c19369a2d93de95cdc32d7023b26cddd78bc
sub-357run-02.txt 265421 08405a1cf4f5a4ec5260e01f658fc87ef8099604bc5269525823b1c427abb61c
sub-372run-01.txt 265421 b077f113be0296f14b939c4529f0f376ee5dee757c6b13ec90119a04588eae8f
sub-372run-03.txt 265421 412b268b355a45fb0a2b8f8736a0601299245f2c20bf73642d0fa631ae217a50
sub-376run-01.txt 265421 5a3a7295dc779f36d3286e56c57a42c2384598e480387879d7e42a81f3a32b64
sub-376run-02.txt 265421 2f64b5c3020f5ff6a62c5477367d5343e030eb20b1f68a232eb5f8ee47b7b534
sub-399run-01.txt 264220 8521e758bc2e6dfe3b08aacc263cc17d560f180fd41d3aad790d1062b84a5267
sub-399run-02.txt 264220 ee418e5f11f95df2bb0228cd4c8c6353d146732217c43ccaa71d4982590b16cc
sub-400run-01.txt 264220 e2f6877fa882ba4801a618094982bede1debc192d1c4e84e4e5b6ee44503eadc
sub-400run-02.txt 264220 9e97dc7e8c882a870cb45f816699bf3bd5d1e5b1229333cc4f2439f8fa3bc643
sub-403run-01.txt 230592 e3f3cfa01d9d6cc28f31a0687bea605ecf9a2364805e515619423aad2798b6d0
sub-403run-02.txt 264220 84bfe1ab0f7924975916d488027a3320345890bb117d66ffc43ddaeb4e6359f2
""",
        ),
    ),
    Source(
        name="mnist",
        description="the 10,000 test images of handwritten digits and their labels, IDX, gzip",
        needed_by="image/mnist, image/mnist/t10k and the glyphs of image/morpho",
        **_DIGITS,
        files=_table(
            _MNIST,
            """
t10k-images-idx3-ubyte.gz 1648877 8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6
t10k-labels-idx1-ubyte.gz 4542 f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6
""",
        ),
    ),
    Source(
        name="mnist-train",
        description="the 60,000 training images of handwritten digits and their labels, IDX, gzip",
        needed_by="image/mnist",
        **_DIGITS,
        files=_table(
            _MNIST,
            """
train-images-idx3-ubyte.gz 9912422 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609
train-labels-idx1-ubyte.gz 28881 3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c
""",
        ),
    ),
)

SOURCES = {source.name: source for source in _SOURCES}
"""Every source by name; the name is also its folder in the cache."""
