// The texts of the page in its language. The server puts them into the page.

const words = new Map();
for (const one of document.getElementById("words").content.children) words.set(one.dataset.key, one.textContent);

const language = document.documentElement.lang;

/** Returns the text of a key with its %s filled in turn. */
export function say(key, ...values) {
  return words.get(key).replace(/%s/g, () => values.shift());
}

const PARTS = { timeZone: "Asia/Shanghai", hourCycle: "h23", year: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" };
const FORMAT = new Intl.DateTimeFormat(language === "en" ? "en-GB" : "zh-CN", { ...PARTS, month: language === "en" ? "short" : "numeric" });

/** Writes Unix seconds to the minute in Beijing time, as the other pages do. */
export function moment(seconds) {
  const part = Object.fromEntries(FORMAT.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]));
  if (language === "en") return `${part.day} ${part.month} ${part.year}, ${part.hour}:${part.minute}`;
  return `${part.year}年${parseInt(part.month)}月${parseInt(part.day)}日 ${part.hour}:${part.minute}`;
}

const RELATIVE = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

/** Writes how long ago: "3 minutes ago". */
export function age(seconds) {
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return RELATIVE.format(-Math.trunc(seconds / length), unit);
  }
  return RELATIVE.format(0, "minute");
}
