"""The tables of a ledger."""

from __future__ import annotations

import sqlalchemy as sql

METADATA = sql.MetaData()

DECISIONS = sql.Table(
    "decisions",
    METADATA,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("round", sql.Integer, nullable=False),
    sql.Column("batch", sql.Integer, nullable=False),
    sql.Column("image_id", sql.String, nullable=False),
    sql.Column("mask_id", sql.Integer, nullable=False),
    sql.Column("label_before", sql.Integer, nullable=False),
    sql.Column("label_after", sql.Integer),
    sql.Column("relabelled", sql.Boolean, nullable=False),
    sql.Column("queried", sql.Boolean, nullable=False),
    sql.Column("source", sql.String, nullable=False),
    sql.Column("annotator", sql.String),
    sql.Column("confidence", sql.Float),
    sql.Column("seconds", sql.Float),
    sql.Column("time", sql.String, nullable=False),
    sql.Column("pixels", sql.Text),
)

STAGES = sql.Table(
    "stages",
    METADATA,
    sql.Column("round", sql.Integer, primary_key=True),
    sql.Column("batch", sql.Integer, primary_key=True),
    sql.Column("stage", sql.String, primary_key=True),
    sql.Column("rows", sql.Integer, nullable=False),
)

# an earlier version had none of the tables below; what they do not tell of is not checked

SEALS = sql.Table(
    "seals",
    METADATA,
    sql.Column("round", sql.Integer, primary_key=True),
    sql.Column("batch", sql.Integer, primary_key=True),
    sql.Column("stage", sql.String, primary_key=True),
    sql.Column("after", sql.Integer, nullable=False),
    sql.Column("rows", sql.Integer, nullable=False),
    sql.Column("digest", sql.String, nullable=False),
)

FILES = sql.Table(
    "files",
    METADATA,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("round", sql.Integer, nullable=False),
    sql.Column("name", sql.String, nullable=False),
    sql.Column("digest", sql.String, nullable=False),
)
