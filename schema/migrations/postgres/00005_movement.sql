-- +goose Up
-- Tier and colour are the published ones; beside them what the evidence alone earns, since when better is earned, and the first day on
-- which time changes any of it (0: never). What was graded before movement was published as earned, and its standing is unknown.
ALTER TABLE assessment ADD COLUMN earned_tier SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE assessment ADD COLUMN earned_colour SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE assessment ADD COLUMN tier_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assessment ADD COLUMN colour_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assessment ADD COLUMN standing_until INTEGER NOT NULL DEFAULT 1;
ALTER TABLE assessment_history ADD COLUMN earned_tier SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE assessment_history ADD COLUMN earned_colour SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE assessment_history ADD COLUMN tier_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assessment_history ADD COLUMN colour_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE assessment_history ADD COLUMN standing_until INTEGER NOT NULL DEFAULT 1;
UPDATE assessment SET earned_tier = tier, earned_colour = colour;
UPDATE assessment_history SET earned_tier = tier, earned_colour = colour;
