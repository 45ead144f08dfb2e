#!/usr/bin/env python3
"""Computes every grade again from exported data, following docs/method.md and sharing no code with the program.

    for kind in enterprises products records models assessments; do healthcode export $kind --dir DIR > $kind.ndjson; done
    python3 docs/examples/recompute.py FOLDER            # compares what the evidence of every enterprise earns on its day
    python3 docs/examples/recompute.py --movement 50 FOLDER    # of 50 enterprises, lives every day since the first record too
    python3 docs/examples/recompute.py --hand scoring/testdata/hand.json MODEL.json

Python 3.8 or later, no packages.
"""
import json
import sys
from datetime import date
from decimal import Decimal, getcontext
from itertools import product as ways
from pathlib import Path

getcontext().prec = 60
DIMENSIONS = ["spot_check", "inspection", "complaint", "compliance", "capability"]
SEVERITIES = ["", "minor", "major", "critical"]
EVENTS_WITH_ITEMS = ("capability", "self_inspection")
COLOURS = ["", "green", "blue", "yellow", "red"]
NEVER = 999999


def half_up(a, b):
    return (a + b // 2) // b


def days(text):
    return date.fromisoformat(text).toordinal() if text else 0


class Grader:
    def __init__(self, model):
        self.m = model
        half = model["half_life_days"]
        self.decay = [int(2**20 * Decimal(2) ** (Decimal(-a) / half) + Decimal("0.5")) for a in range(model["window_days"] + 1)]
        self.base = {(b["kind"], b["outcome"], b.get("severity", "")): b for b in model["evidence"]}
        self.weights = [d["weight_milli"] for d in model["dimensions"]]
        self.cap = model["dimensions"][2]["cap_milli"] * 1000

    def aged(self, mass, age):
        return (mass * self.decay[age] + 2**19) >> 20

    def base_of(self, f):
        if f["kind"] != "inspection":
            b = self.base.get((f["kind"], f["outcome"], f["severity"]))
            if not b:
                return 0, 0, None, 0
            level = max(SEVERITIES.index(b.get("severity", "")), SEVERITIES.index(b.get("counts_as", "")))
            return b.get("bad_milli", 0), b.get("good_milli", 0), DIMENSIONS.index(b["dimension"]), level
        if f["outcome"] == "refused":
            return 0, 0, None, 0
        visit, counts = self.m["visit"], [0, f["minor"], f["major"], f["critical"]]
        worst = max([i for i in (1, 2, 3) if counts[i]], default=0)
        bad = sum(counts[i] * visit["bad_milli"][SEVERITIES[i]] for i in (1, 2, 3))
        good = visit["good_milli"].get(SEVERITIES[worst] or "none", 0)
        return min(bad, visit["bad_at_most_milli"]), good, 1, worst

    def weigh(self, who, facts, today):
        """Gives each fact fresh and aged masses and collects the circumstances."""
        m, factors, c = self.m, self.m["factors_milli"], dict.fromkeys(
            ["licences_revoked", "serious_violation_listed", "critical_failures_not_rectified", "checks_refused", "major_failures_overdue"], 0)
        c["days_since_worse_than_minor"] = c["days_since_worse_than_major"] = NEVER
        since, checks, blocked, items, refused_on, listed_on = who["registered"], 0, {2: set(), 3: set()}, {}, 0, 0
        for f in facts:
            bad, good, dimension, level = self.base_of(f)
            age = today - f["on"]
            f.update(fresh=0, bad=0, good=0, age=age, dim=dimension, counts=True, level=level)
            if f["state"] == "voided":
                continue
            if f["state"] == "provisional" and (not f["provisional_until"] or today <= f["provisional_until"]) and level < 3:
                continue
            rectified = bool(f["rectified"]) and f["rectified"] <= today
            repaired = f["state"] == "repaired"
            if not repaired:
                if not who["registered"] and not since and not (bad > 0 and good == 0) and f["outcome"] != "refused":
                    since = f["on"]
                if f["kind"] in ("spot_check", "inspection") and age <= m["window_days"]:
                    if f["outcome"] == "refused":
                        if not rectified:
                            c["checks_refused"] += 1
                            refused_on = f["on"]
                    else:
                        if f["on"] > refused_on:
                            c["checks_refused"] = 0
                        if f["kind"] == "spot_check" and f["outcome"] == "fail" and not rectified:
                            c["critical_failures_not_rectified"] += f["severity"] == "critical"
                            c["major_failures_overdue"] += f["severity"] == "major" and 0 < f["rectify_by"] < today
                if f["kind"] == "external_credit" and f["subject"] == "serious_violation":
                    if f["outcome"] == "listed":
                        c["serious_violation_listed"], listed_on = 1, f["on"]
                    elif f["on"] > listed_on:
                        c["serious_violation_listed"] = 0
            if age > m["window_days"]:
                continue
            repair = factors["repaired"] if repaired else 1000
            if f["kind"] in ("spot_check", "inspection") and f["outcome"] != "refused":
                checks += self.aged(half_up(1000000 * repair, 1000) if repaired else 1000000, age)
            if dimension is None:
                continue
            where = factors["purpose"].get(f["purpose"], 1000) * factors["stage"].get(f["stage"], 1000)
            f["fresh"] = half_up(bad * where * (factors["rectified"] if rectified else 1000), 10**6)
            fresh_good = half_up(good * where * 1000, 10**6)
            if repaired:
                f["fresh"], fresh_good = half_up(f["fresh"] * repair, 1000), half_up(fresh_good * repair, 1000)
            if f["kind"] in EVENTS_WITH_ITEMS:
                if f["subject"] not in m["capability_items"] or repaired:
                    f["fresh"] = 0
                    continue
                last = items.get(f["subject"])
                if last and not (f["on"] > last["on"] or f["fresh"] > last["fresh"]):
                    f["fresh"] = 0
                    continue
                if last:
                    last.update(fresh=0, bad=0, good=0)
                items[f["subject"]] = f
            f["bad"], f["good"] = self.aged(f["fresh"], age), self.aged(fresh_good, age)
            if f["fresh"] and f["kind"] not in EVENTS_WITH_ITEMS:
                if dimension in blocked:
                    blocked[dimension].add(age // 30)
                if level > 1:
                    c["days_since_worse_than_minor"] = age
                if level > 2:
                    c["days_since_worse_than_major"] = age
        c["capability_items_not_held"] = sum(
            1 for i in m["capability_items"] if i not in items or items[i]["outcome"] not in ("held", "on_time"))
        grants = ("granted", "renewed", "relocated", "extended", "changed", "replaced")
        for f in facts:
            if f["kind"] == "licence" and f["outcome"] == "revoked" and f["state"] == "final":
                c["licences_revoked"] += not any(
                    g["kind"] == "licence" and g["state"] == "final" and g["outcome"] in grants and g["on"] > f["on"]
                    and (g["subject"] == f["subject"] or (g["product"] and g["product"] == f["product"])) for g in facts)
        return c, checks, since, blocked

    def losses(self, who, facts, quiet):
        beliefs = self.m["peers"]["groups"][who["risk"]]
        bad, good = [0] * 5, [0] * 5
        block, left = None, 0
        for f in reversed(facts):
            if f["dim"] is None:
                continue
            good[f["dim"]] += f["good"]
            if not f["counts"] or not f["fresh"]:
                continue
            if f["dim"] == 2 and self.cap:
                if f["age"] // 30 != block:
                    block, left = f["age"] // 30, self.cap
                taken = min(f["fresh"], left)
                left -= taken
                bad[2] += self.aged(taken, f["age"])
            else:
                bad[f["dim"]] += f["bad"]
        loss = []
        for d, name in enumerate(DIMENSIONS):
            k = beliefs[name]["k_milli"] * 1000
            prior = half_up(k * beliefs[name]["mu_ppm"], 10**6)
            loss.append(half_up((bad[d] + prior) * 10**6, bad[d] + good[d] + quiet[d] + k))
        return loss

    def fine(self, loss):
        return sum(w * (10**6 - l) for w, l in zip(self.weights, loss))

    def stands_for(self, x, y, earlier):
        if x["dim"] == 2 and self.cap:
            return x["age"] // 30 == y["age"] // 30 and x["age"] <= y["age"] and x["fresh"] >= y["fresh"]
        return x["bad"] > y["bad"] or (earlier and x["bad"] == y["bad"])

    def settle_cases(self, who, facts, quiet):
        cases = {}
        for i, f in enumerate(facts):
            if f["case"] and f["fresh"] and f["kind"] not in EVENTS_WITH_ITEMS:
                cases.setdefault(f["case"], []).append(i)
        open_cases = []
        for members in cases.values():
            slots = []
            for i in members:
                f, rest, beaten = facts[i], [], False
                for s in slots:
                    h = facts[s]
                    if beaten or h["dim"] != f["dim"]:
                        rest.append(s)
                    elif self.stands_for(h, f, True):
                        beaten, f["counts"] = True, False
                        rest.append(s)
                    elif self.stands_for(f, h, False):
                        h["counts"] = False
                    else:
                        rest.append(s)
                slots = rest if beaten else rest + [i]
            if len(slots) > 1:
                open_cases.append(sorted(slots))
        open_cases.sort()
        decided, n = 0, 1
        while decided < len(open_cases) and n * len(open_cases[decided]) <= 4096:
            n *= len(open_cases[decided])
            decided += 1

        def choose(case, chosen):
            for i in case:
                facts[i]["counts"] = i == chosen

        for case in open_cases[decided:]:
            choose(case, max(case, key=lambda i: (facts[i]["bad"] * self.weights[facts[i]["dim"]], -i)))
        best = None
        for way in ways(*open_cases[:decided]):
            for case, chosen in zip(open_cases, way):
                choose(case, chosen)
            index = self.fine(self.losses(who, facts, quiet))
            if best is None or index < best[0]:
                best = (index, way)
        for case, chosen in zip(open_cases, best[1] if best else ()):
            choose(case, chosen)

    def grade(self, who, facts, today):
        facts = sorted((dict(f) for f in facts if f["on"] <= today), key=lambda f: (f["on"], f["ref"].encode(), f["source"].encode()))
        c, checks, since, blocked = self.weigh(who, facts, today)
        quiet = [0] * 5
        for d in (2, 3):
            q = self.m["dimensions"][d]["quiet_milli"] * 1000
            blocks = (today - since + 1) // 30 if since and since <= today else 0
            for b in range(max(0, blocks)):
                if q and 30 * b + 29 <= self.m["window_days"] and b not in blocked[d]:
                    quiet[d] += self.aged(q, 30 * b + 15)
        self.settle_cases(who, facts, quiet)
        loss = self.losses(who, facts, quiet)
        index = half_up(half_up(self.fine(loss), 1000), 100)
        levels = self.m["evidence_levels_milli"]
        level = sum(checks >= levels[n] * 1000 for n in ("low", "fair", "strong"))
        c["evidence_level"] = level
        c["index_while_new"] = index if level < 2 else 10000
        tests = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, "<": lambda a, b: a < b, "=": lambda a, b: a == b}
        holds = lambda g: tests[g["operator"]](c[g["fact"]], g["value"])
        tier = "NEW"
        if level >= 2:
            tier = next((t["tier"] for t in self.m["tiers"] if index >= t["index_from"] and all(map(holds, t["gates"]))), "C")
        colour = COLOURS.index(self.m["matrix"][who["risk"]][tier])
        floor = max([2 if level < 2 else 1] + [COLOURS.index(v["colour"]) for v in self.m["vetoes"] if holds(v)])
        colour = max(colour, floor)
        return {"floor": floor, "index": index, "tier": tier, "colour": COLOURS[colour], "evidence": ["none", "low", "fair", "strong"][level], "loss_ppm": loss}


    def earned(self, who, facts, day):
        """What a day's evidence earns, and what it earns with every cut raised by the margin."""
        plain = self.grade(who, facts, day)
        cuts = [t["index_from"] for t in self.m["tiers"]]
        for t in self.m["tiers"]:
            t["index_from"] += self.m["movement"]["margin"]
        lead = self.grade(who, facts, day)
        for t, cut in zip(self.m["tiers"], cuts):
            t["index_from"] = cut
        return plain, lead

    def live(self, who, facts, today):
        """The published grade: every day from the first record on (docs/method.md, movement)."""
        cycle, order = self.m["movement"]["cycle_days"], ["NEW", "AA", "A", "B", "C"]
        tier = colour = None
        since = {"tier": 0, "colour": 0}

        def held(what, better, day):
            since[what] = (since[what] or day) if better else 0
            return since[what] and day - since[what] >= cycle

        for day in range(min([f["on"] for f in facts] + [today]), today + 1):
            plain, lead = self.earned(who, facts, day)
            earned, led = order.index(plain["tier"]), order.index(lead["tier"])
            allowed = lambda t: max(COLOURS.index(self.m["matrix"][who["risk"]][order[t]]), plain["floor"])
            if tier is None:
                tier, colour = earned, allowed(earned)
            if tier == 0 or earned == 0 or earned > tier:
                tier, since["tier"] = earned, 0
            if held("tier", led != 0 and led < tier, day):
                tier -= 1
                since["tier"] = day if led < tier else 0
            if allowed(tier) > colour:
                colour, since["colour"] = allowed(tier), 0
            if held("colour", allowed(led) < colour, day) and allowed(tier) < colour:
                colour -= 1
                since["colour"] = day if allowed(led) < colour else 0
        return {"tier": order[tier], "colour": COLOURS[colour]}


def fact_of_array(a):
    names = ["source", "ref", "revision", "kind", "outcome", "severity", "on", "stage", "purpose", "state", "provisional_until", "rectify_by",
             "rectified", "case", "minor", "major", "critical", "subject", "product"]
    f = dict(zip(names, a))
    for name in ("on", "provisional_until", "rectify_by", "rectified"):
        f[name] = days(f[name])
    return f


def fact_of_record(r):
    severities = [f["severity"] for f in r.get("findings", [])]
    detail = r.get("detail") or {}
    subject = {"capability": detail.get("item"), "self_inspection": "self_inspection", "licence": detail.get("number"),
               "certification": detail.get("number"), "external_credit": detail.get("list")}.get(r["kind"]) or ""
    return fact_of_array([r["source"], r["source_ref"], r["revision"], r["kind"], r["outcome"], r.get("severity", ""), r["occurred_on"],
                          r.get("stage", ""), r.get("purpose", ""), r["state"], r.get("provisional_until", ""), r.get("rectify_by", ""),
                          r.get("rectified_on", ""), r.get("case_id", ""), *(severities.count(s) for s in SEVERITIES[1:]), subject,
                          r.get("product_code", "")])


def hand(table, model):
    grader, wrong = Grader(json.loads(Path(model).read_text())), 0
    for case in json.loads(Path(table).read_text())["enterprises"]:
        who = {"risk": case["risk"], "registered": days(case["registered_on"])}
        got = grader.grade(who, [fact_of_array(f) for f in case["facts"]], days(case["as_of"]))
        same = all(got[k] == case[k] for k in ("index", "tier", "colour", "evidence"))
        wrong += not same
        print("ok  " if same else "DIFF", case["name"], got)
    return wrong


def lines(folder, kind):
    with open(Path(folder) / (kind + ".ndjson"), encoding="utf-8") as f:
        yield from map(json.loads, f)


def exported(folder, movement):
    models = {(m["code"], m["version"]): Grader(m) for m in lines(folder, "models")}
    risk = {p["code"]: p["risk"] for p in lines(folder, "products")}
    order = ["general", "higher", "high"]
    enterprises = {e["uscc"]: e for e in lines(folder, "enterprises")}
    newest = {}
    for r in lines(folder, "records"):
        key = (r["uscc"], r["source"], r["source_ref"])
        if key not in newest or newest[key]["revision"] < r["revision"]:
            newest[key] = r
    facts = {}
    for r in newest.values():
        facts.setdefault(r["uscc"], []).append(fact_of_record(r))
    count = wrong = 0
    for a in lines(folder, "assessments"):
        e = enterprises[a["uscc"]]
        level = max([order.index(risk[p]) for p in e.get("product_codes", []) if p in risk], default=0)
        who = {"risk": order[level], "registered": days(e.get("registered_on", ""))}
        model = a["model"] if isinstance(a["model"], dict) else dict(zip(("code", "version"), a["model"].rsplit("/", 1)))
        grader = models[(model["code"], int(model["version"]))]
        got = grader.grade(who, facts.get(a["uscc"], []), days(a["as_of"]))
        same = got["index"] == a["index"] and got["tier"] == a["earned_tier"] and got["colour"] == a["earned_colour"]
        if count < movement:
            lived = grader.live(who, facts.get(a["uscc"], []), days(a["as_of"]))
            same = same and lived["tier"] == a["tier"] and lived["colour"] == a["colour"]
            got.update(published=lived)
        count += 1
        if not same:
            wrong += 1
            print("DIFF", a["uscc"], got, a)
    print(f"{count} assessments computed again, {wrong} differ")
    return wrong


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--hand":
        sys.exit(1 if hand(sys.argv[2], sys.argv[3]) else 0)
    if len(sys.argv) == 4 and sys.argv[1] == "--movement":
        sys.exit(1 if exported(sys.argv[3], int(sys.argv[2])) else 0)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(1 if exported(sys.argv[1], 0) else 0)
