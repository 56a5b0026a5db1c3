// Days and times of the day, in the language of the page.
import { language, t } from "../messages";

/** Return a day of the user's own calendar, as a key. */
export function dayOf(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** "Today", "Yesterday", "Tuesday, 3 March"; the year where it is another. */
export function dayText(day: string, now: number): string {
  const today = new Date(now);
  if (day === dayOf(now)) return t.feed.today;
  if (day === dayOf(new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1).getTime()))
    return t.feed.yesterday;
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  const sameYear = year === today.getFullYear();
  return new Date(year, month - 1, date).toLocaleDateString(language(), {
    ...(sameYear ? { weekday: "long" as const } : { year: "numeric" as const }),
    month: "long",
    day: "numeric",
  });
}

/** "14:32". */
export function clockText(time: number): string {
  return new Date(time).toLocaleTimeString(language(), { hour: "numeric", minute: "2-digit" });
}

/** Date and time in full. */
export function timeText(time: number): string {
  return new Date(time).toLocaleString(language(), { dateStyle: "full", timeStyle: "medium" });
}
