-- +goose Up
-- What changed is in the payload of NOTIFY; SQLite has a table for it.
SELECT 1;
