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

-- The owner of a schema may drop what others own in it, and give the schema itself another name; the site's role owns the portal's. Guards stand in its
-- way, in a schema of the superuser. They know the table by its oid: names can be changed, also that of the schema around it.
create schema if not exists hljshare_guard;
begin;
create table if not exists hljshare_guard.histories (relid oid primary key);
-- A table that was made anew, or read back from a backup, has another oid; the old one may be somebody else's by now.
delete from hljshare_guard.histories where not exists (
    select from pg_class where oid = relid and pg_get_userbyid(relowner) = 'hljshare_history'
);
insert into hljshare_guard.histories
    select oid from pg_class where oid = to_regclass(:'schema' || '.hljshare_request_event') on conflict do nothing;

create or replace function hljshare_guard.keep() returns event_trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    if not (select rolsuper from pg_roles where rolname = session_user) and exists (
        select from pg_event_trigger_dropped_objects()
        join hljshare_guard.histories on classid = 'pg_class'::regclass and objid = relid and objsubid = 0
    ) then
        raise insufficient_privilege using message = 'the history of requests is not dropped';
    end if;
end $$;

-- Under another name the history would be there still, and the portal would write into what is put in its place.
create or replace function hljshare_guard.stay() returns event_trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    if not (select rolsuper from pg_roles where rolname = session_user) and exists (
        select from pg_event_trigger_ddl_commands()
        join (hljshare_guard.histories join pg_class on pg_class.oid = relid)
            on (classid = 'pg_class'::regclass and objid = relid) or (classid = 'pg_namespace'::regclass and objid = relnamespace)
    ) then
        raise insufficient_privilege using message = 'the history of requests stays where it is';
    end if;
end $$;

do $$ begin
    if not exists (select from pg_event_trigger where evtname = 'hljshare_keep') then
        create event trigger hljshare_keep on sql_drop execute function hljshare_guard.keep();
    end if;
    if not exists (select from pg_event_trigger where evtname = 'hljshare_stay') then
        create event trigger hljshare_stay on ddl_command_end when tag in ('ALTER SCHEMA', 'ALTER TABLE') execute function hljshare_guard.stay();
    end if;
end $$;
-- Where an earlier version of this file kept the name.
drop table if exists hljshare_guard.kept;
commit;
