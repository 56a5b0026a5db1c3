import { expect, it, vi } from "vitest";
import { error } from "../dev/fixtures";
import { RequestError, type Send } from "../src/lib/answer";
import { type LoadPart, Parts } from "../src/parts";

const { partsFromKernel } =
  await vi.importActual<typeof import("../src/parts/from-kernel")>("../src/parts/from-kernel");

const loaded = { module: { Lightbox: () => null }, styles: ".a{}" };

it("load once for all who ask, and are kept with their styles", async () => {
  const load = vi.fn(async () => loaded);
  const parts = new Parts(load as unknown as LoadPart);
  const told = vi.fn();
  parts.watch(told);
  await Promise.all([parts.want("large"), parts.want("large")]);
  await parts.want("large");
  expect([load.mock.calls.length, told.mock.calls.length]).toEqual([1, 1]);
  expect([parts.get("large"), parts.styles]).toEqual([loaded.module, ".a{}"]);
});

it("can be asked for again after a failure, and say why", async () => {
  const outdated = new RequestError(error({ code: "page_outdated", message: "Another version." }));
  const load = vi.fn().mockRejectedValueOnce(outdated).mockResolvedValueOnce(loaded);
  const parts = new Parts(load as unknown as LoadPart);
  await expect(parts.want("large")).rejects.toBe(outdated);
  expect(parts.get("large")).toBeUndefined();
  await parts.want("large");
  expect(parts.get("large")).toBe(loaded.module);
});

it("are asked of the kernel by name and build, and a refusal is handed on", async () => {
  vi.stubGlobal("BUILD", "0123456789ab");
  const none = new RequestError(error({ code: "none" }));
  const send = vi.fn<Send>().mockRejectedValue(none);
  await expect(partsFromKernel(send)("mask")).rejects.toBe(none);
  expect(send).toHaveBeenCalledWith({ method: "part", name: "mask", build: "0123456789ab" });
  vi.unstubAllGlobals();
});
