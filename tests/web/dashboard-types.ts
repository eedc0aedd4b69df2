// What Grafana's own types say of the JSON of a dashboard; test_dashboard_types.py adds the JSON.
import type { Dashboard, Panel } from "@grafana/schema";

/** A type as JSON has it: texts instead of the members of an enumeration of texts. */
type AsJson<T> =
  T extends string ? `${T}`
  : T extends readonly (infer Item)[] ? AsJson<Item>[]
  : T extends object ? { [Key in keyof T]: AsJson<T[Key]> }
  : T;

export type AsFile = AsJson<Omit<Dashboard, "panels"> & { panels: Panel[] }>;
