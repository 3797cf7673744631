"""Tables of resource codes: which were given, and the number of each provider inside a class
code."""

from __future__ import annotations

import datetime

import ckan.plugins.toolkit as tk
from sqlalchemy import BigInteger, DateTime, Integer, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column


class CodeProvider(tk.BaseModel):
    """The number of an organization among those of its region; kept when the organization moves."""

    __tablename__ = "hljshare_code_provider"
    __table_args__ = (
        UniqueConstraint("region_code", "number", name="hljshare_code_provider_number"),
    )

    org_id: Mapped[str] = mapped_column(Text, primary_key=True)
    region_code: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)


class ResourceCodeRow(tk.BaseModel):
    """A code given to a dataset, for good: the row stays when the dataset is purged, so no code is
    given twice.
    """

    __tablename__ = "hljshare_resource_code"
    __table_args__ = (
        UniqueConstraint("class_code", "sequence", name="hljshare_resource_code_place"),
        UniqueConstraint("code", name="hljshare_resource_code_code"),
    )

    package_id: Mapped[str] = mapped_column(Text, primary_key=True)
    org_id: Mapped[str] = mapped_column(Text, index=True)
    class_code: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(Text)
    # False for a code that came with the dataset: such a number may be far away and must not open a
    # gap.
    allocated: Mapped[bool] = mapped_column()
    given_at: Mapped[datetime.datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now()
    )
