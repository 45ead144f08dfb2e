package schematest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"healthcode/schema"
)

// hookWorld is a database with a partner, a webhook and two changes for it.
func hookWorld(t *testing.T, fresh Opener) (db *schema.DB, config schema.Config, partner int64) {
	config = fresh(t)
	db = Reopen(t, config)
	must(db.PutEnterprises(t.Context(), Enterprises(1, 2), schema.PutOptions{}))(t)
	partner = must(db.AddPartner(t.Context(), schema.Partner{Name: "bank"}))(t)
	must(0, db.AddWebhook(t.Context(), schema.Webhook{ID: "wh_1", PartnerID: partner, URL: "https://bank.example/"}, "sealed 1"))(t)
	idx := issue(t, db, 1)
	for _, step := range []schema.CodeStep{schema.StepSuspend, schema.StepResume} {
		must(db.ChangeCode(t.Context(), idx, step, "Li Hua", "a test"))(t)
	}
	sequenceAll(t, db)
	return db, config, partner
}

func webhooks(t *testing.T, fresh Opener) {
	db, _, partner := hookWorld(t, fresh)
	ctx := t.Context()
	if err := db.AddWebhook(ctx, schema.Webhook{ID: "wh_0", PartnerID: partner + 1, URL: "x"}, "s"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("of no partner: %v", err)
	}
	must(0, db.AddWebhook(ctx, schema.Webhook{ID: "wh_2", PartnerID: partner, URL: "https://bank.example/2", Topics: schema.FeedTopics}, "sealed 2"))(t)
	if w := must(db.Webhook(ctx, "wh_2"))(t); w.Position != 2 || len(w.Topics) != len(schema.FeedTopics) || w.CreatedAt.IsZero() || !w.DisabledAt.IsZero() || !w.NextAt.IsZero() {
		t.Errorf("one begins after what is there: %+v", w)
	}
	for n := 3; n <= schema.MaxWebhooks; n++ {
		must(0, db.AddWebhook(ctx, schema.Webhook{ID: fmt.Sprintf("wh_%02d", n), PartnerID: partner, URL: "x"}, "s"))(t)
	}
	if err := db.AddWebhook(ctx, schema.Webhook{ID: "wh_x", PartnerID: partner, URL: "x"}, "s"); !errors.Is(err, schema.ErrManyHooks) {
		t.Errorf("one more than a partner may have: %v", err)
	}
	if all := must(db.Webhooks(ctx, 0))(t); len(all) != schema.MaxWebhooks {
		t.Errorf("%d webhooks", len(all))
	}
	if none := must(db.Webhooks(ctx, partner+1))(t); len(none) != 0 {
		t.Errorf("another partner has %+v", none)
	}
	webhookSecrets(t, db)
	if err := db.MoveWebhook(ctx, "wh_1", 3); !errors.Is(err, schema.ErrAhead) {
		t.Errorf("moved beyond the end: %v", err)
	}
	for what, err := range map[string]error{"moved": db.MoveWebhook(ctx, "wh_", 0), "enabled": db.EnableWebhook(ctx, "wh_"), "deleted": db.DeleteWebhook(ctx, "wh_"),
		"exchanged": db.RotateWebhookSecret(ctx, "wh_", "s", time.Now())} {
		if !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%s one that is not there: %v", what, err)
		}
	}
	for _, id := range []string{"wh_", "x\x00", "\xff"} {
		if _, err := db.Webhook(ctx, id); !errors.Is(err, schema.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	must(0, db.DeleteWebhook(ctx, "wh_1"))(t)
	if _, err := db.Webhook(ctx, "wh_1"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if left := must(db.WebhookSecrets(ctx, "wh_1", time.Now()))(t); len(left) != 0 {
		t.Errorf("its secrets stay: %v", left)
	}
}

func webhookSecrets(t *testing.T, db *schema.DB) {
	t.Helper()
	now := time.Now()
	for i, until := range []time.Time{now.Add(time.Hour), now.Add(2 * time.Hour)} {
		must(0, db.RotateWebhookSecret(t.Context(), "wh_1", fmt.Sprintf("sealed %d", i+10), until))(t)
	}
	for at, want := range map[time.Time]string{now: "[sealed 11 sealed 10]", now.Add(119 * time.Minute): "[sealed 11 sealed 10]", now.Add(2 * time.Hour): "[sealed 11]"} {
		if got := fmt.Sprint(must(db.WebhookSecrets(t.Context(), "wh_1", at))(t)); got != want {
			t.Errorf("after %s: %s, want %s", at.Sub(now), got, want)
		}
	}
}

// webhookClaims checks who may deliver to a webhook, and that what is noted by whoever lost it is refused.
func webhookClaims(t *testing.T, fresh Opener) {
	db, _, partner := hookWorld(t, fresh)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	claim := func(at time.Time) []schema.Webhook {
		t.Helper()
		return must(db.ClaimWebhooks(ctx, at, at.Add(time.Minute), 5))(t)
	}
	first := claim(now)
	if len(first) != 1 || first[0].ID != "wh_1" || len(claim(now)) != 0 || len(must(db.ClaimWebhooks(ctx, now.Add(time.Hour), now, 0))(t)) != 0 {
		t.Fatalf("claimed %+v", first)
	}
	mine := first[0]
	mine.Position = 1
	must(0, db.NoteDelivery(ctx, &mine, &schema.Delivery{Position: 1, Attempt: 1, Outcome: "delivered", Status: 204, Took: 1500 * time.Microsecond, At: now}, now.Add(2*time.Minute)))(t)
	if len(claim(now.Add(time.Minute))) != 0 {
		t.Error("a note does not lengthen the claim")
	}
	second := claim(now.Add(2 * time.Minute))
	if len(second) != 1 || second[0].Position != 1 {
		t.Fatalf("claimed again %+v", second)
	}
	mine.Position = 2
	late := &schema.Delivery{Position: 2, Attempt: 1, Outcome: "delivered", Status: 204, At: now}
	if err := db.NoteDelivery(ctx, &mine, late, now); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("noted by who lost it: %v", err)
	}
	if err := db.PassWebhook(ctx, &mine, 2); !errors.Is(err, schema.ErrLeaseLost) {
		t.Errorf("given back by who lost it: %v", err)
	}
	failed := second[0]
	failed.Attempts, failed.NextAt, failed.FailingSince = 1, now.Add(time.Hour), now
	must(0, db.NoteDelivery(ctx, &failed, &schema.Delivery{Position: 2, Attempt: 1, Outcome: "timeout", At: now}, time.Time{}))(t)
	if len(claim(now.Add(time.Hour-time.Second))) != 0 {
		t.Error("claimed before its time")
	}
	third := claim(now.Add(time.Hour))
	if len(third) != 1 || third[0].Attempts != 1 || !third[0].FailingSince.Equal(now) || !third[0].NextAt.Equal(now.Add(time.Hour)) {
		t.Fatalf("%+v", third)
	}
	ended := third[0]
	ended.DisabledAt = now
	must(0, db.NoteDelivery(ctx, &ended, &schema.Delivery{Position: 2, Attempt: 2, Outcome: "status", Status: 500, At: now}, time.Time{}))(t)
	if notices := must(db.Unpublished(ctx, schema.TopicWebhookDisabled, 9))(t); len(notices) != 1 || len(claim(now.Add(2*time.Hour))) != 0 {
		t.Errorf("disabled: %+v", notices)
	}
	webhookLog(t, db, now)
	must(0, db.EnableWebhook(ctx, "wh_1"))(t)
	must(0, db.DisablePartner(ctx, partner, now))(t)
	if len(claim(now.Add(2*time.Hour))) != 0 || len(must(db.WebhookSecrets(ctx, "wh_1", now))(t)) != 0 {
		t.Error("a disabled partner is told of changes")
	}
}

func webhookLog(t *testing.T, db *schema.DB, now time.Time) {
	t.Helper()
	log := must(db.Deliveries(t.Context(), "wh_1", 0, 9))(t)
	if len(log) != 3 || log[0].Outcome != "status" || log[1].Outcome != "timeout" || log[2].Took != 1500*time.Microsecond || !log[2].At.Equal(now) || log[2].Status != 204 {
		t.Fatalf("%+v", log)
	}
	if rest := must(db.Deliveries(t.Context(), "wh_1", log[0].Number, 1))(t); len(rest) != 1 || rest[0] != log[1] {
		t.Errorf("the next page: %+v", rest)
	}
	if n := must(db.PruneDeliveries(t.Context(), now))(t); n != 0 {
		t.Errorf("%d were forgotten too early", n)
	}
	if n := must(db.PruneDeliveries(t.Context(), now.Add(time.Microsecond)))(t); n != 3 {
		t.Errorf("%d were forgotten", n)
	}
}

// webhookRaces lets several processes claim at once: one gets it.
func webhookRaces(t *testing.T, fresh Opener) {
	_, config, _ := hookWorld(t, fresh)
	now := time.Now()
	var group sync.WaitGroup
	got := make(chan int, 6)
	for range cap(got) {
		other := Reopen(t, config)
		group.Go(func() {
			claimed, err := other.ClaimWebhooks(t.Context(), now, now.Add(time.Minute), 5)
			if err != nil {
				t.Error(err)
			}
			got <- len(claimed)
		})
	}
	group.Wait()
	close(got)
	total := 0
	for n := range got {
		total += n
	}
	if total != 1 {
		t.Errorf("%d claims of one webhook", total)
	}
}
