"""Agencies as publishers: names, codes and tree, from one query over all organizations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ckan.model as model
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import FOAF, ORG, RDF, SKOS
from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from ckanext.hljshare.catalog import codelists

from .terms import ADMS, DCT, Where, chinese, segment, text


@dataclass(frozen=True)
class Agency:
    """An active organization. ``uscc`` 统一社会信用代码, ``level`` and ``region_code`` codes of our
    lists, ``parent`` an id; "" for what is not known.
    """

    id: str
    name: str
    title: str
    short_title: str = ""
    uscc: str = ""
    region_code: str = ""
    level: str = ""
    parent: str = ""


def load() -> dict[str, Agency]:
    """Every active organization by its id; one query."""
    parent, member = aliased(model.Group), aliased(model.Member)
    query = (
        select(
            model.Group.id,
            model.Group.name,
            model.Group.title,
            model.Group.extras,
            parent.id.label("parent"),
        )
        .outerjoin(
            member,
            and_(
                member.group_id == model.Group.id,
                member.table_name == "group",
                member.state == "active",
            ),
        )
        .outerjoin(
            parent,
            and_(parent.id == member.table_id, parent.is_organization, parent.state == "active"),
        )
        .where(model.Group.is_organization, model.Group.state == "active")
        .order_by(model.Group.id, parent.id.nullslast())
    )
    found: dict[str, Agency] = {}
    for row in model.Session.execute(query):
        extras = row.extras or {}
        if row.id in found:
            continue
        found[row.id] = Agency(
            row.id,
            row.name,
            row.title or row.name,
            **{
                key: extras.get(key) or ""
                for key in ("short_title", "uscc", "region_code", "level")
            },
            parent=row.parent or "",
        )
    return found


def top(agencies: Mapping[str, Agency]) -> Agency | None:
    """The agency of the whole province: who publishes the catalog. None where there is none."""
    provinces = (agency for agency in agencies.values() if agency.level == "province")
    return min(provinces, key=lambda agency: (bool(agency.parent), agency.name), default=None)


def agency_graph(agency: Agency, where: Where) -> Graph:
    """The description of one agency; what it refers to (parent, region) is not described here."""
    graph = Graph(bind_namespaces="none")
    for triple in agency_triples(agency, where):
        graph.add(triple)
    return graph


def agency_triples(
    agency: Agency, where: Where
) -> Iterator[tuple[URIRef, URIRef, URIRef | Literal]]:
    """The statements of :func:`agency_graph`."""
    node = URIRef(where.agency(agency.id))
    for kind in (FOAF.Agent, FOAF.Organization, ORG.Organization):
        yield node, RDF.type, kind
    yield node, FOAF.name, chinese(agency.title)
    if text(agency.short_title):
        yield node, SKOS.altLabel, chinese(agency.short_title)
    page = URIRef(f"{where.site}/organization/{segment(agency.name)}")
    yield node, FOAF.homepage, page
    yield page, RDF.type, FOAF.Document
    if text(agency.uscc):
        identifier = URIRef(f"{node}#uscc")
        yield node, DCT.identifier, Literal(text(agency.uscc))
        yield node, ADMS.identifier, identifier
        yield identifier, RDF.type, ADMS.Identifier
        yield identifier, SKOS.notation, Literal(text(agency.uscc))
    if codelists.item("region", agency.region_code):
        yield node, DCT.spatial, URIRef(where.concept("region", agency.region_code))
    if agency.parent:
        yield node, ORG.subOrganizationOf, URIRef(where.agency(agency.parent))
