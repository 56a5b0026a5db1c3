// The parts come from their sources: there is no build, and no kernel that has its files.
import { vi } from "vitest";

vi.mock("../src/parts/from-kernel", async () => {
  const { partFromSource } = await import("./kit");
  return { partsFromKernel: () => partFromSource };
});
