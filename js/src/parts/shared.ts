/** What the core hands to a part. The build fills the table with the names that the parts import of the core. */
export const shared: Record<string, unknown> = {};
