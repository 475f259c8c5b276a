-- Stores of ours that a platform is asked to find among its own. What it finds is a proposal: the
-- mapping itself is access's, and a person confirms it there.
CREATE TABLE poi_matches (
    match_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant text NOT NULL,
    platform text NOT NULL,
    store_id text NOT NULL,
    name text NOT NULL,
    province text NOT NULL,
    city text NOT NULL,
    address text NOT NULL,
    latitude double precision,
    longitude double precision,
    -- A guess of ours.
    guess text,
    state text NOT NULL DEFAULT 'waiting',
    task_id text,
    poi_id text,
    result integer,
    attempts integer NOT NULL DEFAULT 0,
    reason text,
    detail text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    submitted_at timestamptz,
    finished_at timestamptz,
    next_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT match_state_is_known CHECK (
        state IN ('waiting', 'running', 'matched', 'unmatched', 'rejected', 'failed')
    ),
    CONSTRAINT a_running_match_has_a_task CHECK (state <> 'running' OR task_id IS NOT NULL),
    CONSTRAINT a_match_has_a_poi CHECK ((state = 'matched') = (poi_id IS NOT NULL)),
    CONSTRAINT open_matches_have_no_end CHECK (
        (state IN ('waiting', 'running')) = (finished_at IS NULL)
    )
);

CREATE UNIQUE INDEX a_store_is_matched_once_at_a_time ON poi_matches (merchant, platform, store_id)
    WHERE finished_at IS NULL;
CREATE INDEX poi_matches_due ON poi_matches (next_at) WHERE finished_at IS NULL;
CREATE INDEX poi_matches_of_merchant ON poi_matches (merchant, match_key DESC);
