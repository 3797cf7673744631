-- The history of requests is append-only for the portal itself: its role may read and add lines, and nothing else. Run by `./portal up` as the
-- cluster's superuser, again at every start; what stands already is left alone.
--   psql -v schema=public -v site=ckan -f history.sql
\set ON_ERROR_STOP on
set client_min_messages = warning;
select set_config('hljshare.schema', :'schema', false), set_config('hljshare.site', :'site', false) \g /dev/null

do $$
declare
    history constant text := current_setting('hljshare.schema') || '.hljshare_request_event';
    site constant text := current_setting('hljshare.site');
begin
    if not exists (select from pg_roles where rolname = 'hljshare_history') then
        create role hljshare_history nologin;
    end if;
    if to_regclass(history) is null then
        return;
    end if;
    -- Who owns a table may do anything with it: nobody signs in as its owner.
    if (select pg_get_userbyid(relowner) from pg_class where oid = to_regclass(history)) <> 'hljshare_history' then
        execute format('alter table %s owner to hljshare_history', history);
    end if;
    execute format('revoke all on %s from public, %I', history, site);
    execute format('grant select, insert on %s to %I', history, site);
end $$;

-- The owner of a schema may drop what others own in it, and the site's role owns the portal's. A guard stands in its way, in a schema of the superuser.
create schema if not exists hljshare_guard;
create table if not exists hljshare_guard.kept (identity text primary key);
insert into hljshare_guard.kept values (:'schema' || '.hljshare_request_event') on conflict do nothing;

create or replace function hljshare_guard.keep() returns event_trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    if not (select rolsuper from pg_roles where rolname = session_user) and exists (
        select from pg_event_trigger_dropped_objects() join hljshare_guard.kept on object_identity = identity where object_type = 'table'
    ) then
        raise insufficient_privilege using message = 'the history of requests is not dropped';
    end if;
end $$;

do $$ begin
    if not exists (select from pg_event_trigger where evtname = 'hljshare_keep') then
        create event trigger hljshare_keep on sql_drop execute function hljshare_guard.keep();
    end if;
end $$;
