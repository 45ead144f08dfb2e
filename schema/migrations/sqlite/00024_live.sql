-- +goose Up
-- Raised with every commit that may change what a verifier is told, so that readers may keep it in memory until then. On PostgreSQL NOTIFY tells
-- them in its place.
INSERT INTO clock (name, value) VALUES ('live', 0);
