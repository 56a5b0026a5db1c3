// A sweep as one card with its grid, in the feed and over all of the studio.
import "../views/part-icons";

export { heightOf, SweepCard } from "../views/sweep-card";
export { SweepLarge } from "../views/sweep-large";
