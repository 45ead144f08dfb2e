package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"healthcode/access"
	"healthcode/api"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"
)

// demoCounty is the county of the demo's bounded accounts: 南湖区.
const demoCounty = "330402"

// demoPartner is the bank of the demo.
const demoPartner = "演示银行"

// demoAccounts are the people of the demo. None has a password: one click signs in, on this machine.
func demoAccounts(own registry.USCC) []struct {
	title   web.Phrase
	account schema.Account
} {
	staff := func(login string, grants ...access.Grant) schema.Account {
		return schema.Account{Login: login, Kind: access.Staff, Grants: grants}
	}
	county := func(role access.Role) access.Grant { return access.Grant{Role: role, Region: demoCounty} }
	return []struct {
		title   web.Phrase
		account schema.Account
	}{
		{web.Phrase{ZhCN: "市局查阅人员", En: "Reader of the city"}, staff("reader", access.Grant{Role: access.Reader})},
		{web.Phrase{ZhCN: "南湖区查阅人员", En: "Reader of one county"}, staff("reader.nanhu", county(access.Reader))},
		{web.Phrase{ZhCN: "记录人员", En: "Recorder"}, staff("recorder", access.Grant{Role: access.Recorder})},
		{web.Phrase{ZhCN: "监管人员", En: "Supervisor"}, staff("supervisor", access.Grant{Role: access.Supervisor})},
		{web.Phrase{ZhCN: "南湖区监管人员", En: "Supervisor of one county"}, staff("supervisor.nanhu", county(access.Supervisor))},
		{web.Phrase{ZhCN: "评分模型人员", En: "Modeller"}, staff("modeller", access.Grant{Role: access.Modeller})},
		{web.Phrase{ZhCN: "审批人员", En: "Approver"}, staff("approver", access.Grant{Role: access.Approver})},
		{web.Phrase{ZhCN: "密钥管理员", En: "Key officer"}, staff("key_officer", access.Grant{Role: access.KeyOfficer})},
		{web.Phrase{ZhCN: "审计人员", En: "Auditor"}, staff("auditor", access.Grant{Role: access.Auditor})},
		{web.Phrase{ZhCN: "系统管理员", En: "Administrator"}, staff("admin", access.Grant{Role: access.Admin})},
		{web.Phrase{ZhCN: "企业人员", En: "Somebody of an enterprise"}, schema.Account{Login: "enterprise", Kind: access.Enterprise, Owns: []registry.USCC{own}}},
		{web.Phrase{ZhCN: "检验机构人员", En: "Somebody of an agency"}, schema.Account{Login: "agency", Kind: access.Agency, Agency: "演示检验所"}},
	}
}

// listAccounts names the demo's accounts for the sign-in page, in its order.
func listAccounts(own registry.USCC) (list []web.DemoAccount) {
	for _, one := range demoAccounts(own) {
		list = append(list, web.DemoAccount{Login: one.account.Login, Title: one.title})
	}
	return list
}

// inviteDemo adds what is missing of the demo's accounts, and a bank with a key, which stands in the folder.
func (p *program) inviteDemo(ctx context.Context, db *schema.DB, own registry.USCC) error {
	for _, one := range demoAccounts(own) {
		if _, err := db.AddAccount(ctx, one.account); err != nil && !errors.Is(err, schema.ErrConflict) {
			return fmt.Errorf("add the demo's accounts: %w", err)
		}
	}
	_, err := db.PartnerNamed(ctx, demoPartner)
	if !errors.Is(err, schema.ErrNotFound) {
		return err
	}
	row, key := api.NewKeyRow(schema.PartnerKey{Scopes: access.Scopes}, p.now().Add(365*24*time.Hour))
	if err := os.WriteFile(filepath.Join(p.dir, "demo-partner.key"), []byte(key.Text()+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the key of the demo's bank: %w", err)
	}
	if row.PartnerID, err = db.AddPartner(ctx, schema.Partner{Name: demoPartner, Purposes: access.Purposes, Sources: []string{"demo-bank"}}); err != nil {
		return fmt.Errorf("add the demo's bank: %w", err)
	}
	return db.AddPartnerKey(ctx, row)
}
