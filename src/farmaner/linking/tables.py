"""What is known of names in this field beforehand: tables, written down from general knowledge.

Words stand folded: lower case, without accents.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

GREEK_SIGNS = {
    "α": "alfa",
    "β": "beta",
    "ß": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "micro",
    "µ": "micro",
    "ω": "omega",
}

GREEK_NAMES = {
    "alfa": "a",
    "alpha": "a",
    "beta": "b",
    "gamma": "g",
    "gama": "g",
    "delta": "d",
    "epsilon": "e",
    "kappa": "k",
    "kapa": "k",
    "lambda": "l",
    "omega": "o",
}

STOP_WORDS = frozenset(
    "al and con de del el en frente la las los of para por the tipo un una y".split()
)

# Heads that tell no two things apart when another word follows.
EMPTY_HEADS = frozenset(
    "ac acid acido acidos acs ag agente agentes anticuerpo anticuerpos antibody antigen "
    "antigeno antigenos autoanticuerpo autoanticuerpos cadena cadenas droga enzima enzimas "
    "especifico especificos farmaco farmacos hormonal hormonales humana humano inmunoglobulina "
    "inmunoglobulinas ligera ligeras medicamento niveles oral orales plasmatica plasmatico prot "
    "protein proteina proteinas serica serico sericos suero".split()
)

IG_CLASSES = frozenset("iga igd ige igg igm".split())

_ALWAYS = {
    "aminotransferase": "transaminasa",
    "aminotransferasa": "transaminasa",
    "convertasa": "convertidora",
    "conversion": "convertidora",
    "conversora": "convertidora",
    "conversiva": "convertidora",
    "dna": "adn",
    "rna": "arn",
    "enlazante": "transportadora",
    "fijadora": "transportadora",
    "ligadora": "transportadora",
    "ligante": "transportadora",
    "quinasa": "kinasa",
    "cinasa": "kinasa",
    "hematies": "eritrocito",
    "interleuquina": "interleucina",
    "interleukina": "interleucina",
    "interleukin": "interleucina",
    "il": "interleucina",
    "inf": "interferon",
    "ifn": "interferon",
    "parathormona": "paratiroidea",
    "paratohormona": "paratiroidea",
    "vit": "vitamina",
    "keratina": "queratina",
    "cytokeratina": "citoqueratina",
    "cytokeratin": "citoqueratina",
    "deshidrogenasa": "deshidrogenasa",
    "dehidrogenasa": "deshidrogenasa",
}
_IN_A_NAME = {
    "na": "sodio",
    "k": "potasio",
    "mg": "magnesio",
    "ca": "calcio",
    "fe": "hierro",
    "ferrico": "hierro",
    "ferroso": "hierro",
    "ferrosa": "hierro",
    "hcg": "gonadotropina corionica",
    "fp": "fetoproteina",
    "c": "colesterol",
}
_BEFORE_NUMBER = {"ck": "citoqueratina", "ca": "ca", "k": "k", "c": "c"}


def _as_words(table: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({word: tuple(names.split()) for word, names in table.items()})


WORD_VARIANTS = MappingProxyType(
    {
        "always": _as_words(_ALWAYS),
        "in a name": _as_words(_IN_A_NAME),
        "before number": _as_words(_BEFORE_NUMBER),
        "alone": _as_words({}),
    }
)

TABLE_LABELS = MappingProxyType(
    {
        "element": "NORMALIZABLES",
        "enzyme": "PROTEINAS",
        "cluster": "PROTEINAS",
        "marker": "PROTEINAS",
        "cytokine": "PROTEINAS",
        "antibody": "PROTEINAS",
    }
)
"""Tables of synonyms whose names all carry one label of the task."""
