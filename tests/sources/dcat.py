"""DCAT feeds: a catalog in Turtle in any other syntax, whole or in hydra pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rdflib import Graph

from tests.sources.server import Reply, Request

PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix adms: <http://www.w3.org/ns/adms#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix hydra: <http://www.w3.org/ns/hydra/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix dcatap: <http://data.europa.eu/r5r/> .
"""  # noqa: E501
EU = "http://publications.europa.eu/resource/authority/"
FULL = """<{site}/dataset/{id}> a dcat:Dataset ; dct:identifier "{id}" ;
 dct:title "道路信息{id}"@zh , "Roads {id}"@en ; dct:description "<p>道路名称</p>"@zh ;
 dct:publisher [ a foaf:Agent ; foaf:name "交通运输局"@zh ] ;
 dcat:contactPoint [ vcard:fn "数据科" ; vcard:hasTelephone [ vcard:hasValue <tel:0451-12345> ] ] ;
 dct:accessRights <{level}> ; dct:rights [ a dct:RightsStatement ; rdfs:label "《数据安全法》第三十八条" ] ;
 dct:accrualPeriodicity <{eu}frequency/MONTHLY_3> ; dct:issued "2024-03-01"^^xsd:date ;
 dct:modified "2024-06-30T10:11:12"^^xsd:dateTime ; dcat:keyword "道路"@zh , "roads"@en , "长度"@zh ;
 dcat:theme <{eu}data-theme/TRAN> , [ a skos:Concept ; skos:notation "G" ; skos:prefLabel "交通运输、仓储和邮政业"@zh ] ;
 dct:spatial [ a dct:Location ; dct:identifier "230100000000" ] ;
 adms:identifier [ skos:notation "3070230100012/{code}" ] ; dcat:landingPage <{site}/page/{id}> ;
 dcat:distribution <{site}/file/{id}.csv> , [ a dcat:Distribution ; dct:title "目录" ; dcat:accessURL <{site}/show/{id}> ] .
<{site}/file/{id}.csv> a dcat:Distribution ; dct:title "道路.csv" ; dcat:downloadURL <{site}/file/{id}.csv> ;
 dcat:mediaType <http://www.iana.org/assignments/media-types/text/csv> ; dcat:byteSize 2048 ;
 dct:license <http://creativecommons.org/licenses/by/4.0/> ; dct:modified "2024-06-30"^^xsd:date .
"""  # noqa: E501


def dataset(site: str, native: object, level: str = EU + "access-right/PUBLIC") -> str:
    """One dataset with all that DCAT-AP can carry, in Turtle without prefixes."""
    code = f"{sum(map(ord, str(native))):06}"
    return FULL.format(site=site, id=native, level=level, eu=EU, code=code)


@dataclass
class Feed:
    """A paged feed; ``style`` how pages name the next one, ``syntax`` what is answered."""

    ids: list[str]
    size: int = 100
    syntax: str = "turtle"
    content_type: str = "text/turtle"
    style: str = "next"
    level: str = EU + "access-right/PUBLIC"
    total: int | None = None
    repeats: bool = False
    broken: dict[int, Any] = field(default_factory=dict)
    site: str = "http://feed.example.cn"

    def __call__(self, request: Request) -> Any:
        number = int(request.query.get("page", 1))
        if number in self.broken:
            return self.broken[number]
        here = f"http://{request.headers['Host']}{request.path}"
        graph = Graph().parse(data=self.page(number), format="turtle", publicID=here)
        body = graph.serialize(format=self.syntax)
        return Reply(body.encode(), headers={"Content-Type": self.content_type})

    def page(self, number: int) -> str:
        """A page in Turtle."""
        pages = max(1, -(-len(self.ids) // self.size))
        chosen = self.ids[(min(number, pages) - 1) * self.size : min(number, pages) * self.size]
        words = PREFIXES + f"<{self.site}/> a dcat:Catalog .\n"
        words += "".join(dataset(self.site, name, self.level) for name in chosen)
        total = len(self.ids) if self.total is None else self.total
        words += f"<{self.site}/p{number}> hydra:totalItems {total} .\n"
        if number < pages or self.repeats:
            here, there = f"<{self.site}/p{number}>", f"?page={number + 1}"
            words += {
                "next": f"{here} a hydra:PartialCollectionView ; hydra:next <{there}> .",
                "view": f"<{self.site}/> hydra:view {here} . {here} hydra:next <{there}> .",
                "nextPage": f'{here} a hydra:PagedCollection ; hydra:nextPage "{there}" .',
            }[self.style]
        return words
