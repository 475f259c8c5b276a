-- One role and one schema per service. Safe to run again, and from several places at once.
--
-- Run by `qiao up` through its own server or through QIAO_POSTGRES_URL, by docker-compose.yml at
-- the first start of its volume, and by the tests. PostgreSQL 16 or later.
--
-- The roles cannot log in. Either one login user takes a service's role when it connects
-- (`role=qiao_orders`), or, as docker-compose.yml does, each role is given its own password.

DO $init$
DECLARE
    service text;
    service_role text;
    schema_owner text;
BEGIN
    -- Two runs in one database would meet in the catalogue and fail with "tuple concurrently updated".
    PERFORM pg_advisory_xact_lock(hashtext('qiao init'));

    FOREACH service IN ARRAY ARRAY['intake', 'orders', 'redemption', 'access', 'catalog', 'simulator'] LOOP
        service_role := 'qiao_' || service;

        -- Roles belong to the whole cluster, the lock above to one database only: a run in another
        -- database may win the race, and then the role is there, which is all we want.
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', service_role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;

        -- Whoever runs this is whom the services log in as. A superuser may take any role already.
        -- INHERIT FALSE: the login user reads a service's tables only after taking its role.
        IF NOT pg_has_role(current_user, service_role, 'SET') THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', service_role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;

        -- A schema of that name may be somebody else's. Taking it over would be worse than stopping.
        SELECT pg_get_userbyid(nspowner) INTO schema_owner FROM pg_namespace WHERE nspname = service;
        IF schema_owner IS NULL THEN
            EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', service, service_role);
        ELSIF schema_owner <> service_role THEN
            RAISE EXCEPTION 'schema % belongs to %, not to %', service, schema_owner, service_role
                USING HINT = 'Give Qiao a database of its own.';
        END IF;

        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), service_role);
    END LOOP;

    -- Nothing may live outside a service's schema, and nobody but the services comes in.
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO CURRENT_USER', current_database());
    EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database());
END
$init$;
