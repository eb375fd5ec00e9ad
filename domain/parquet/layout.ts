/** The schema of a Parquet part: the columns that every part has, then the typed ones of its stream. */
import type { SchemaElement } from "hyparquet";
import { type ColumnType, type Field, columnPrefix } from "./columns.ts";
import type { RowValues } from "./row.ts";

type Repetition = "REQUIRED" | "OPTIONAL";

/** How one top-level column is written. */
export interface LayoutColumn {
  readonly name: string;
  readonly elements: readonly SchemaElement[];
  /** Smallest and largest value of each row group. Off for documents: bounds of JSON are no use, and kept whole. */
  readonly statistics: boolean;
  /** Distinct values as a dictionary, where it is smaller. Off for payloads, which are seldom equal. */
  readonly dictionary: boolean;
}

function text(name: string, repetition: Repetition): SchemaElement {
  return {
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    logical_type: { type: "STRING" },
    repetition_type: repetition,
  };
}

function time(name: string, repetition: Repetition): SchemaElement {
  return {
    name,
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
    repetition_type: repetition,
  };
}

function json(name: string): SchemaElement {
  return { name, type: "BYTE_ARRAY", logical_type: { type: "JSON" }, repetition_type: "OPTIONAL" };
}

function map(name: string): SchemaElement[] {
  return [
    {
      name,
      converted_type: "MAP",
      logical_type: { type: "MAP" },
      repetition_type: "OPTIONAL",
      num_children: 1,
    },
    { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
    text("key", "REQUIRED"),
    text("value", "REQUIRED"),
  ];
}

const plain = { statistics: true, dictionary: true } as const;
const payload = { statistics: false, dictionary: false } as const;

const common: readonly (LayoutColumn & { readonly name: Exclude<keyof RowValues, "typed"> })[] = [
  { name: "id", elements: [text("id", "REQUIRED")], ...plain },
  { name: "source", elements: [text("source", "REQUIRED")], ...plain },
  { name: "type", elements: [text("type", "REQUIRED")], ...plain },
  { name: "specversion", elements: [text("specversion", "REQUIRED")], ...plain },
  { name: "subject", elements: [text("subject", "OPTIONAL")], ...plain },
  { name: "time", elements: [time("time", "OPTIONAL")], ...plain },
  { name: "time_posted", elements: [text("time_posted", "OPTIONAL")], ...plain },
  { name: "received_at", elements: [time("received_at", "REQUIRED")], ...plain },
  { name: "home_hour", elements: [text("home_hour", "REQUIRED")], ...plain },
  {
    name: "unguarded",
    elements: [{ name: "unguarded", type: "BOOLEAN", repetition_type: "REQUIRED" }],
    ...plain,
  },
  {
    name: "schema_version",
    elements: [{ name: "schema_version", type: "INT32", repetition_type: "OPTIONAL" }],
    ...plain,
  },
  { name: "datacontenttype", elements: [text("datacontenttype", "OPTIONAL")], ...plain },
  { name: "dataschema", elements: [text("dataschema", "OPTIONAL")], ...plain },
  { name: "extensions", elements: map("extensions"), ...plain },
  { name: "data", elements: [json("data")], ...payload },
  {
    name: "binary",
    elements: [{ name: "binary", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" }],
    ...payload,
  },
  { name: "rest", elements: [json("rest")], ...payload },
];

export interface Layout {
  readonly columns: readonly LayoutColumn[];
  /** What the values are written by: JSON without its converted type, or the writer would parse and print it anew. */
  readonly schema: readonly SchemaElement[];
  /** What the file says of itself: engines of today go by the converted type of JSON. */
  readonly fileSchema: readonly SchemaElement[];
  /** A row's values in the order of the columns. */
  readonly valuesOf: (row: RowValues) => readonly unknown[];
}

export function layoutOf(typed: readonly Field[]): Layout {
  const columns = [...common, ...typed.map(typedColumn)];
  const root: SchemaElement = { name: "row", num_children: columns.length };
  const schema = [root, ...columns.flatMap(({ elements }) => elements)];
  return {
    columns,
    schema,
    fileSchema: schema.map((element) =>
      element.logical_type?.type === "JSON" ? { ...element, converted_type: "JSON" } : element,
    ),
    valuesOf: (row) => [...common.map(({ name }) => row[name]), ...row.typed],
  };
}

function typedColumn({ name, type }: Field): LayoutColumn {
  return {
    name: columnPrefix + name,
    elements: elementsOf(columnPrefix + name, type),
    statistics: !holdsJson(type),
    dictionary: type.kind !== "json",
  };
}

function holdsJson(type: ColumnType): boolean {
  if (type.kind === "list") return holdsJson(type.item);
  return (
    type.kind === "json" || (type.kind === "struct" && type.fields.some((field) => holdsJson(field.type)))
  );
}

function elementsOf(name: string, type: ColumnType): SchemaElement[] {
  switch (type.kind) {
    case "text":
      return [text(name, "OPTIONAL")];
    case "integer":
      return [{ name, type: "INT64", repetition_type: "OPTIONAL" }];
    case "number":
      return [{ name, type: "DOUBLE", repetition_type: "OPTIONAL" }];
    case "boolean":
      return [{ name, type: "BOOLEAN", repetition_type: "OPTIONAL" }];
    case "time":
      return [time(name, "OPTIONAL")];
    case "json":
      return [json(name)];
    case "list":
      return [
        {
          name,
          converted_type: "LIST",
          logical_type: { type: "LIST" },
          repetition_type: "OPTIONAL",
          num_children: 1,
        },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...elementsOf("element", type.item),
      ];
    case "struct":
      return [
        { name, repetition_type: "OPTIONAL", num_children: type.fields.length },
        ...type.fields.flatMap((field) => elementsOf(field.name, field.type)),
      ];
  }
}
